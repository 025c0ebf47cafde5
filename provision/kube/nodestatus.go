package kube

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Capacity describes a host's resources for pods.
type Capacity struct {
	// CPUs is the number of logical processors.
	CPUs int
	// Memory is in bytes.
	Memory uint64
	// Pods is the maximum number of pods.
	Pods int
}

// resources returns the capacity in the form of a Node's status.
func (c Capacity) resources() corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewQuantity(int64(c.CPUs), resource.DecimalSI),
		corev1.ResourceMemory: *resource.NewQuantity(int64(c.Memory), resource.BinarySI),
		corev1.ResourcePods:   *resource.NewQuantity(int64(c.Pods), resource.DecimalSI),
	}
}

// SetInitialCapacity records a host's capacity in the status of its Node before the kubelet does. A kubelet that finds
// its Node in the cluster admits static pods against the status of that Node (getNodeAnyWay in Kubernetes' kubelet),
// possibly before it has written the status itself, and it never retries a static pod that it has rejected. A Node
// whose status already has a capacity is left alone.
func (c *Client) SetInitialCapacity(ctx context.Context, name string, has Capacity) error {
	var node corev1.Node
	if err := c.client.Get(ctx, client.ObjectKey{Name: name}, &node); err != nil {
		return fmt.Errorf("cannot read node %s: %w", name, err)
	}
	// What a kubelet reports is more accurate than the facts of the host.
	if len(node.Status.Allocatable) > 0 {
		return nil
	}
	if err := c.patchStatus(ctx, name, corev1.NodeStatus{Capacity: has.resources(), Allocatable: has.resources()}); err != nil {
		return fmt.Errorf("cannot record the capacity of node %s: %w", name, err)
	}
	return nil
}

// MarkUnready records that the kubelet of a node is gone. kubeadm refuses to join a host while a ready Node has its
// name, and the node controller takes most of a minute to find out on its own. A missing node is not an error.
func (c *Client) MarkUnready(ctx context.Context, name string) error {
	err := c.patchStatus(ctx, name, corev1.NodeStatus{Conditions: []corev1.NodeCondition{{
		Type: corev1.NodeReady, Status: corev1.ConditionUnknown, Reason: "JoinsAgain", Message: "an earlier join did not finish",
	}}})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("cannot mark node %s as not ready: %w", name, err)
	}
	return nil
}

// patchStatus merges status into that of a Node. The strategic merge patch keeps other conditions.
func (c *Client) patchStatus(ctx context.Context, name string, status corev1.NodeStatus) error {
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	node := &corev1.Node{}
	node.Name = name
	return c.client.Status().Patch(ctx, node, client.RawPatch(types.StrategicMergePatchType, patch))
}
