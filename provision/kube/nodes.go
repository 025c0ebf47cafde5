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

// taintsAnnotation lists the taints of a Node that come from the manifests. The list of taints has one
// owner only, and Kubernetes puts taints there, too: what is taken back later has to be known.
const taintsAnnotation = "dualstrap.dev/taints"

// Node is what the cluster knows of a node.
type Node struct {
	Name string
	// K8sIP is its IPv4 address.
	K8sIP    netip.Addr
	PodCIDRs []netip.Prefix
	// Addresses are its internal ones, in the cluster's order.
	Addresses  []netip.Addr
	ProviderID string
	Labels     map[string]string
	// KubeletVersion is that of the kubelet that has registered, as in v1.36.3; empty when none has.
	KubeletVersion string
	// Joined says that a kubelet has registered, Ready that it says it is fine.
	Joined, Ready bool
	// Unschedulable says that no new pods come.
	Unschedulable bool
	// Why it is not ready, in the kubelet's words.
	Why string
}

// Nodes lists the cluster's nodes.
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

// Node gives one node; one that there is not is not joined.
func (c *Client) Node(ctx context.Context, name string) (Node, error) {
	node, found, err := c.FindNode(ctx, name)
	if err == nil && !found {
		return Node{Name: name, Why: "it is not there"}, nil
	}
	return node, err
}

// FindNode gives one node, and whether it is there.
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

// AwaitNode waits until a node is ready.
func (c *Client) AwaitNode(ctx context.Context, name string, patience time.Duration) error {
	return poll(ctx, patience, "the node is not ready", func(ctx context.Context) (string, error) {
		node, err := c.Node(ctx, name)
		if node.Ready {
			return "", err
		}
		return node.Why, err
	})
}

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

// splitTaints takes the taints out of a Node of the manifests, and notes them in an annotation.
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

func typedNode(object Object) (*corev1.Node, error) {
	node := &corev1.Node{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, node); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", object.Name(), err)
	}
	return node, nil
}

// taintKey is what makes a taint another one: two with different values only are one.
func taintKey(taint corev1.Taint) string { return taint.Key + ":" + string(taint.Effect) }

// indexTaint finds the taint that is the same as another one, but for its value.
func indexTaint(taints []corev1.Taint, like corev1.Taint) int {
	return slices.IndexFunc(taints, func(taint corev1.Taint) bool { return taintKey(taint) == taintKey(like) })
}

// mergeTaints gives the taints that a node is to have: those of the manifests, and what is there and
// does not come from the manifests.
func mergeTaints(live []corev1.Taint, noted string, wanted []corev1.Taint) []corev1.Taint {
	ours := strings.Split(noted, ",")
	merged := slices.DeleteFunc(slices.Clone(live), func(taint corev1.Taint) bool {
		if at := indexTaint(wanted, taint); at >= 0 {
			return wanted[at].Value != taint.Value
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

// wantedTaints are the taints that a node is to have, and whether it has others.
func wantedTaints(live *corev1.Node, wanted []corev1.Taint) (taints []corev1.Taint, differ bool) {
	taints = mergeTaints(live.Spec.Taints, live.Annotations[taintsAnnotation], wanted)
	return taints, !slices.Equal(taints, live.Spec.Taints)
}

// CompareNodes says what [Client.ApplyNodes] would change about each Node.
func (c *Client) CompareNodes(ctx context.Context, objects []Object) ([]Difference, error) {
	differences := make([]Difference, len(objects))
	err := eachObject(ctx, objects, func(ctx context.Context, i int, object Object) error {
		bare, wanted, err := splitTaints(object)
		if err != nil {
			return err
		}
		there, difference, err := c.compare(ctx, bare)
		differences[i] = difference
		if err != nil || difference.Any() {
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

// ApplyNodes is [Client.Apply] for Nodes, of whose taints the manifests own a part only.
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

// applyNode brings the taints up to date before the note of them is: cut off in between, the next run
// still knows which to take back.
func (c *Client) applyNode(ctx context.Context, bare Object, wanted []corev1.Taint) error {
	var live corev1.Node
	err := c.client.Get(ctx, client.ObjectKeyFromObject(bare), &live)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("cannot read %s: %w", bare.Name(), err)
	}
	if err != nil {
		if _, err := c.apply(ctx, bare); err != nil || len(wanted) == 0 {
			return err
		}
		if err := c.client.Get(ctx, client.ObjectKeyFromObject(bare), &live); err != nil {
			return fmt.Errorf("cannot read %s: %w", bare.Name(), err)
		}
	}
	if taints, differ := wantedTaints(&live, wanted); differ {
		patch, err := json.Marshal(map[string]any{
			"metadata": map[string]any{"resourceVersion": live.ResourceVersion}, // taints come and go: not over what came meanwhile
			"spec":     map[string]any{"taints": taints},
		})
		if err != nil {
			return err
		}
		err = c.client.Patch(ctx, &live, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(FieldManager))
		if err != nil {
			return fmt.Errorf("cannot set the taints of %s: %w", bare.Name(), err)
		}
	}
	_, err = c.apply(ctx, bare)
	return err
}
