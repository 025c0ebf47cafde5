package provision

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/dualstrap/dualstrap/internal/plural"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/render"
)

// The kinds of manifests that have fields for life.
const (
	clusterKind    = "Cluster"
	cidrConfigKind = "ClusterCIDRConfig"
)

// immutableFields are those that a cluster has for life, by kind: Google's documentation has them immutable, and
// Kubernetes itself keeps a node's podCIDRs and a Service's addresses.
func immutableFields(kind string) []string {
	switch kind {
	case clusterKind:
		return []string{
			"spec.type", "spec.clusterNetwork.pods.cidrBlocks", "spec.clusterNetwork.services.cidrBlocks",
			"spec.clusterNetwork.flatIPv4", "spec.loadBalancer.mode", "spec.loadBalancer.vips.controlPlaneVIP",
			"spec.loadBalancer.ports.controlPlaneLBPort",
		}
	case cidrConfigKind:
		return []string{"spec.ipv4.cidr", "spec.ipv4.perNodeMaskSize", "spec.ipv6.cidr", "spec.ipv6.perNodeMaskSize"}
	}
	return nil
}

// immutableReasons says where the manifests change what a cluster has for life, or no longer have ranges that nodes have
// blocks of.
func (s *Session) immutableReasons(ctx context.Context, client *kube.Client, nodes []kube.Node) ([]string, error) {
	wanted, err := s.immutableObjects()
	if err != nil {
		return nil, err
	}
	reasons, err := otherClusters(ctx, client, wanted)
	if err != nil {
		return nil, err
	}
	named := map[string]bool{}
	var cidrConfig kube.Object
	for _, object := range wanted {
		named[object.Name()] = true
		if object.GetKind() == cidrConfigKind {
			cidrConfig = object
		}
		live, found, err := client.Find(ctx, object)
		if err != nil {
			return nil, err
		}
		if found {
			reasons = append(reasons, immutableChanges(live, object)...)
		}
	}
	there, err := client.List(ctx, cidrConfig.GroupVersionKind(), cidrConfig.GetNamespace())
	if err != nil {
		return nil, err
	}
	for _, live := range there {
		if holders := nodesHolding(live, nodes, s.cluster.PodRanges); !named[live.Name()] && len(holders) > 0 {
			reasons = append(reasons, fmt.Sprintf("%s is not in the manifests any more, and %s pod ranges of it: %s",
				live.Name(), havePhrase(len(holders)), strings.Join(holders, ", ")))
		}
	}
	return reasons, nil
}

// otherClusters says which Cluster the cluster was made from, if that has another name than the one in the manifests:
// its Nodes' labels and its objects' namespace come from it.
func otherClusters(ctx context.Context, client *kube.Client, wanted []kube.Object) ([]string, error) {
	at := slices.IndexFunc(wanted, func(o kube.Object) bool { return o.GetKind() == clusterKind })
	there, err := client.List(ctx, wanted[at].GroupVersionKind(), "")
	if err != nil {
		return nil, err
	}
	var reasons []string
	for _, live := range there {
		if live.Name() != wanted[at].Name() {
			reasons = append(reasons, fmt.Sprintf("the cluster was made from %s, and the manifests are of %s", live.Name(), wanted[at].Name()))
		}
	}
	return reasons, nil
}

// immutableObjects are the manifests' objects that have fields for life.
func (s *Session) immutableObjects() ([]kube.Object, error) {
	manifest, err := render.Objects(s.loaded.Config)
	if err != nil {
		return nil, err
	}
	objects, err := kube.Decode(manifest)
	return slices.DeleteFunc(objects, func(o kube.Object) bool { return len(immutableFields(o.GetKind())) == 0 }), err
}

// havePhrase is how many nodes have something.
func havePhrase(nodes int) string {
	if nodes == 1 {
		return "1 node has"
	}
	return plural.Of(nodes, "node") + " have"
}

// immutableChanges says which fields that are there for life the manifests have otherwise.
func immutableChanges(live, wanted kube.Object) []string {
	var reasons []string
	for _, path := range immutableFields(wanted.GetKind()) {
		steps := strings.Split(path, ".")
		before, _, _ := unstructured.NestedFieldNoCopy(live.Object, steps...)
		after, _, _ := unstructured.NestedFieldNoCopy(wanted.Object, steps...)
		if isZero(before) && isZero(after) || formatValue(before) == formatValue(after) {
			continue
		}
		reasons = append(reasons, fmt.Sprintf("%s: %s is %s in the cluster and %s in the manifests, and cannot be changed",
			wanted.Name(), path, formatValue(before), formatValue(after)))
	}
	return reasons
}

// isZero reports whether a field says no more than one that is not there.
func isZero(value any) bool {
	if value == nil {
		return true
	}
	v := reflect.ValueOf(value)
	return v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0
}

// formatValue is a value as manifests have it.
func formatValue(value any) string {
	if value == nil {
		return "not set"
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

// nodesHolding are the names of the nodes with a block of a ClusterCIDRConfig's ranges that is in no range that
// stays.
func nodesHolding(cidrConfig kube.Object, nodes []kube.Node, staying []netip.Prefix) []string {
	var ranges []netip.Prefix
	for _, family := range []string{"ipv4", "ipv6"} {
		text, _, _ := unstructured.NestedString(cidrConfig.Object, "spec", family, "cidr")
		if prefix, err := netip.ParsePrefix(text); err == nil {
			ranges = append(ranges, prefix)
		}
	}
	var holders []string
	for _, node := range nodes {
		if slices.ContainsFunc(node.PodCIDRs, func(block netip.Prefix) bool {
			within := block.Overlaps
			return slices.ContainsFunc(ranges, within) && !slices.ContainsFunc(staying, within)
		}) {
			holders = append(holders, node.Name)
		}
	}
	return holders
}

// unlisted are the names of the cluster's nodes that the manifests do not have.
func (s *Session) unlisted(nodes []kube.Node) []string {
	listed := s.nodeNames()
	names := []string{}
	for _, node := range nodes {
		if !listed[node.Name] {
			names = append(names, node.Name)
		}
	}
	return names
}

// nodeNames are the names of the manifests' nodes.
func (s *Session) nodeNames() map[string]bool {
	names := make(map[string]bool, len(s.hosts))
	for i := range s.hosts {
		names[s.hosts[i].NodeFacts().Name] = true
	}
	return names
}
