package create

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
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/render"
)

// The kinds of manifests that have immutable fields.
const (
	clusterKind    = "Cluster"
	cidrConfigKind = "ClusterCIDRConfig"
)

// immutableFields returns the paths of a kind's fields that cannot change after the cluster is created. Google's
// documentation declares them immutable, and Kubernetes itself does not change a node's podCIDRs or a Service's addresses.
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

// immutableReasons returns a reason for each immutable field that the manifests change, and for each ClusterCIDRConfig
// that they no longer have although nodes hold blocks of its ranges. It compares with the objects in the cluster, which
// create applied.
func immutableReasons(ctx context.Context, s *session.Session, client *kube.Client, nodes []kube.Node) ([]string, error) {
	wanted, err := immutableObjects(s)
	if err != nil {
		return nil, err
	}
	reasons, err := otherClusters(ctx, client, wanted)
	if err != nil {
		return nil, err
	}
	named := map[string]bool{}
	var cidrConfig kube.Object // any of them: its kind and namespace list those in the cluster
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
		if holders := nodesHolding(live, nodes, s.Cluster.PodRanges); !named[live.Name()] && len(holders) > 0 {
			reasons = append(reasons, fmt.Sprintf("%s is not in the manifests any more, and %s pod ranges of it: %s",
				live.Name(), havePhrase(len(holders)), strings.Join(holders, ", ")))
		}
	}
	return reasons, nil
}

// otherClusters returns a reason for each Cluster object in the cluster whose name is not the one in the manifests. The
// labels of nodes and the namespace of objects derive from the name, so it cannot change.
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

// immutableObjects returns the objects of the manifests that have immutable fields. Among them is always one Cluster.
func immutableObjects(s *session.Session) ([]kube.Object, error) {
	manifest, err := render.Objects(s.Config)
	if err != nil {
		return nil, err
	}
	objects, err := kube.Decode(manifest)
	return slices.DeleteFunc(objects, func(o kube.Object) bool { return len(immutableFields(o.GetKind())) == 0 }), err
}

// havePhrase returns "1 node has" or "N nodes have".
func havePhrase(nodes int) string {
	if nodes == 1 {
		return "1 node has"
	}
	return plural.Of(nodes, "node") + " have"
}

// immutableChanges returns a reason for each immutable field that differs between the live and the wanted object.
func immutableChanges(live, wanted kube.Object) []string {
	var reasons []string
	for _, path := range immutableFields(wanted.GetKind()) {
		// The values are compared as JSON, because the same number may be decoded as int64 in one object and as float64 in
		// the other.
		steps := strings.Split(path, ".")
		// A field that is missing, or below a value that is not an object, reads as nil.
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

// isZero reports whether a value means the same as a missing field.
func isZero(value any) bool {
	if value == nil {
		return true
	}
	v := reflect.ValueOf(value)
	return v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0
}

// formatValue formats a value as JSON, which is also how it can be written in a manifest.
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

// nodesHolding returns the names of the nodes that hold a block of the ClusterCIDRConfig's ranges outside the remaining
// ranges. A block within those is fine: another ClusterCIDRConfig may have taken over the range.
func nodesHolding(cidrConfig kube.Object, nodes []kube.Node, remaining []netip.Prefix) []string {
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
			// A block never straddles the border of a range, so a block that overlaps a range is within it.
			within := block.Overlaps
			return slices.ContainsFunc(ranges, within) && !slices.ContainsFunc(remaining, within)
		}) {
			holders = append(holders, node.Name)
		}
	}
	return holders
}

// nameReasons returns a reason for each host whose Node has another name: the kubelet would register a second Node, without
// the pod ranges, and certificates are for the first.
func nameReasons(_ context.Context, s *session.Session, _ *kube.Client, nodes []kube.Node) ([]string, error) {
	var reasons []string
	for i := range s.Hosts {
		host := &s.Hosts[i]
		name := host.NodeFacts().Name
		for _, node := range nodes {
			if node.Joined && node.K8sIP == host.K8sIP && node.Name != name {
				reasons = append(reasons, fmt.Sprintf("%s is node %s in the cluster, and its host name is now %s: a node cannot be renamed; "+
					"hostnamectl set-hostname %s on the host, or remove the node first with dualstrap reset nodes",
					host.Address, node.Name, name, node.Name))
			}
		}
	}
	return reasons, nil
}

// unlistedNodes returns the names of the cluster's nodes that are not in the manifests. It never returns nil, so that the
// JSON report has an empty list.
func unlistedNodes(s *session.Session, nodes []kube.Node) []string {
	listed := nodeNames(s)
	names := []string{}
	for _, node := range nodes {
		if !listed[node.Name] {
			names = append(names, node.Name)
		}
	}
	return names
}

// nodeNames returns the set of the names of the manifests' nodes. A name comes from the host, so hosts that did not answer
// have none.
func nodeNames(s *session.Session) map[string]bool {
	names := make(map[string]bool, len(s.Hosts))
	for i := range s.Hosts {
		names[s.Hosts[i].NodeFacts().Name] = true
	}
	return names
}
