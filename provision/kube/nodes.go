package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dualstrap/dualstrap/api"
)

// taintsAnnotation lists the taints of a Node that come from the manifests. The list of taints has one owner only, and
// Kubernetes puts taints there, too. Without the annotation, a taint that is removed from the manifests later could not
// be told from one that Kubernetes added.
const taintsAnnotation = "dualstrap.dev/taints"

// Node describes a node as the API server reports it.
type Node struct {
	Name string
	// K8sIP is the node's IPv4 address: the internal one that the kubelet reports, or the one in the provider ID until
	// then.
	K8sIP netip.Addr
	// PodCIDRs are those of the Node's spec, in its order: the first one is the primary family.
	PodCIDRs []netip.Prefix
	// Addresses are the internal addresses, in the order of the Node's status.
	Addresses []netip.Addr
	// ProviderID is that of the spec, as in baremetal://10.2.0.5.
	ProviderID string
	Labels     map[string]string
	// KubeletVersion is the version of the kubelet, as in v1.36.3. It is empty until a kubelet has registered.
	KubeletVersion string
	// Joined reports whether a kubelet has registered, Ready whether that kubelet reports that the node is ready.
	Joined, Ready bool
	// Unschedulable reports whether the node is cordoned.
	Unschedulable bool
	// Why is the reason that the node is not ready, in the kubelet's words.
	Why string
}

// Nodes returns the cluster's nodes.
func (c *Client) Nodes(ctx context.Context) ([]Node, error) {
	var list corev1.NodeList
	if err := c.client.List(ctx, &list); err != nil {
		return nil, fmt.Errorf("cannot list the cluster's nodes: %w", err)
	}
	nodes := make([]Node, len(list.Items))
	for i := range list.Items {
		nodes[i] = nodeOf(&list.Items[i])
	}
	return nodes, nil
}

// node returns the named node. A missing node is returned as not joined.
func (c *Client) node(ctx context.Context, name string) (Node, error) {
	node, found, err := c.FindNode(ctx, name)
	if err == nil && !found {
		return Node{Name: name, Why: "it does not exist"}, nil
	}
	return node, err
}

// FindNode returns the named node and whether it exists.
func (c *Client) FindNode(ctx context.Context, name string) (node Node, found bool, err error) {
	var object corev1.Node
	err = c.client.Get(ctx, client.ObjectKey{Name: name}, &object)
	if apierrors.IsNotFound(err) {
		return Node{}, false, nil
	}
	if err != nil {
		return Node{}, false, fmt.Errorf("cannot read node %s: %w", name, err)
	}
	return nodeOf(&object), true, nil
}

// AwaitNode waits until the node is ready. The error is a [WaitError] if that takes longer than patience.
func (c *Client) AwaitNode(ctx context.Context, name string, patience time.Duration) error {
	return poll(ctx, patience, "the node is not ready", func(ctx context.Context) (string, error) {
		node, err := c.node(ctx, name)
		if node.Ready {
			return "", err
		}
		return node.Why, err
	})
}

// nodeOf returns what is needed of a Node. Addresses that do not parse are skipped. The ready condition counts only
// once a kubelet has registered, because the node controller sets one on Nodes without a kubelet, too.
func nodeOf(object *corev1.Node) Node {
	version := object.Status.NodeInfo.KubeletVersion
	node := Node{
		Name: object.Name, KubeletVersion: version, Labels: object.Labels,
		ProviderID: object.Spec.ProviderID, K8sIP: api.ParseProviderID(object.Spec.ProviderID),
		Joined: version != "", Why: "no kubelet has registered", Unschedulable: object.Spec.Unschedulable,
	}
	for _, cidr := range object.Spec.PodCIDRs {
		if prefix, err := netip.ParsePrefix(cidr); err == nil {
			node.PodCIDRs = append(node.PodCIDRs, prefix)
		}
	}
	for _, address := range object.Status.Addresses {
		ip, err := netip.ParseAddr(address.Address)
		if err != nil || address.Type != corev1.NodeInternalIP {
			continue
		}
		node.Addresses = append(node.Addresses, ip)
		if ip.Is4() {
			node.K8sIP = ip
		}
	}
	for _, condition := range object.Status.Conditions {
		if condition.Type == corev1.NodeReady && node.Joined {
			node.Ready = condition.Status == corev1.ConditionTrue
			node.Why = condition.Message
		}
	}
	return node
}

// splitTaints returns a Node of the manifests without its taints, which an annotation names instead, and the taints.
// Server-side apply would replace the whole list, and remove the taints that Kubernetes has set.
func splitTaints(object Object) (Object, []corev1.Taint, error) {
	node, err := typedNode(object)
	if err != nil {
		return Object{}, nil, err
	}
	bare := Object{object.DeepCopy()}
	unstructured.RemoveNestedField(bare.Object, "spec", "taints")
	if len(node.Spec.Taints) == 0 {
		return bare, nil, nil
	}
	keys := make([]string, len(node.Spec.Taints))
	for i, taint := range node.Spec.Taints {
		keys[i] = taintKey(taint)
	}
	annotations := bare.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[taintsAnnotation] = strings.Join(keys, ",")
	bare.SetAnnotations(annotations)
	return bare, node.Spec.Taints, nil
}

// typedNode converts an object to a Node.
func typedNode(object Object) (*corev1.Node, error) {
	node := &corev1.Node{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, node); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", object.Name(), err)
	}
	return node, nil
}

// taintKey returns what identifies a taint. A node cannot have two taints that differ in their values only.
func taintKey(taint corev1.Taint) string { return taint.Key + ":" + string(taint.Effect) }

// indexTaint returns the index of the taint with the same key and effect as like, or -1.
func indexTaint(taints []corev1.Taint, like corev1.Taint) int {
	return slices.IndexFunc(taints, func(taint corev1.Taint) bool { return taintKey(taint) == taintKey(like) })
}

// mergeTaints returns the desired taints of a node: those of the manifests, and the live ones that do not come from the
// manifests. noted is the value of taintsAnnotation. The order of live taints is kept, so that an unchanged list
// compares as equal.
func mergeTaints(live []corev1.Taint, noted string, wanted []corev1.Taint) []corev1.Taint {
	ours := strings.Split(noted, ",")
	merged := slices.DeleteFunc(slices.Clone(live), func(taint corev1.Taint) bool {
		if at := indexTaint(wanted, taint); at >= 0 {
			return wanted[at].Value != taint.Value // appended below with its new value
		}
		return slices.Contains(ours, taintKey(taint))
	})
	for _, taint := range wanted {
		if indexTaint(merged, taint) < 0 {
			merged = append(merged, taint)
		}
	}
	return merged
}

// wantedTaints returns the desired taints of a node, and whether the live ones differ from them.
func wantedTaints(live *corev1.Node, wanted []corev1.Taint) (taints []corev1.Taint, differ bool) {
	taints = mergeTaints(live.Spec.Taints, live.Annotations[taintsAnnotation], wanted)
	return taints, !slices.Equal(taints, live.Spec.Taints)
}

// CompareNodes returns what [Client.ApplyNodes] would change about each Node, in the order of objects.
func (c *Client) CompareNodes(ctx context.Context, objects []Object) ([]Difference, error) {
	differences := make([]Difference, len(objects))
	err := eachObject(ctx, objects, func(ctx context.Context, i int, object Object) error {
		bare, wanted, err := splitTaints(object)
		if err != nil {
			return err
		}
		there, difference, err := c.compare(ctx, bare)
		differences[i] = difference
		if err != nil || difference.Any() { // one difference is enough to apply the Node, taints included
			return err
		}
		live, err := typedNode(Object{there})
		if err != nil {
			return err
		}
		if _, differ := wantedTaints(live, wanted); differ {
			differences[i] = updating([]string{"spec.taints"})
		}
		return nil
	})
	return differences, err
}

// ApplyNodes is [Client.Apply] for Nodes. The manifests own only a part of a Node's taints; the others stay.
func (c *Client) ApplyNodes(ctx context.Context, objects []Object) error {
	return eachObject(ctx, objects, func(ctx context.Context, _ int, object Object) error {
		bare, wanted, err := splitTaints(object)
		if err != nil {
			return err
		}
		return poll(ctx, applyPatience, "cannot apply "+object.Name(), func(ctx context.Context) (string, error) {
			return "", c.applyNode(ctx, bare, wanted)
		})
	})
}

// applyNode updates the taints before the annotation that names them. If the run is interrupted in between, the next
// run still finds in the annotation which taints to remove.
func (c *Client) applyNode(ctx context.Context, bare Object, wanted []corev1.Taint) error {
	var live corev1.Node
	err := c.client.Get(ctx, client.ObjectKeyFromObject(bare), &live)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("cannot read %s: %w", bare.Name(), err)
	}
	if err != nil { // the Node does not exist: create it, and set its taints as those of any other
		if _, err := c.apply(ctx, bare); err != nil || len(wanted) == 0 {
			return err
		}
		if err := c.client.Get(ctx, client.ObjectKeyFromObject(bare), &live); err != nil {
			return fmt.Errorf("cannot read %s: %w", bare.Name(), err)
		}
	}
	if taints, differ := wantedTaints(&live, wanted); differ {
		patch, err := json.Marshal(map[string]any{
			// The patch replaces the list. The resource version makes it fail if Kubernetes has changed a taint since.
			"metadata": map[string]any{"resourceVersion": live.ResourceVersion},
			"spec":     map[string]any{"taints": taints},
		})
		if err != nil {
			return err
		}
		err = c.client.Patch(ctx, &live, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(fieldManager))
		if err != nil {
			return fmt.Errorf("cannot set the taints of %s: %w", bare.Name(), err)
		}
	}
	_, err = c.apply(ctx, bare)
	return err
}
