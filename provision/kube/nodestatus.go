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

// Capacity is what a host has for pods.
type Capacity struct {
	CPUs int
	// Memory is in bytes.
	Memory uint64
	// Pods is how many there may be.
	Pods int
}

func (c Capacity) resources() corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewQuantity(int64(c.CPUs), resource.DecimalSI),
		corev1.ResourceMemory: *resource.NewQuantity(int64(c.Memory), resource.BinarySI),
		corev1.ResourcePods:   *resource.NewQuantity(int64(c.Pods), resource.DecimalSI),
	}
}

// SetInitialCapacity notes what a host has before its kubelet does. A kubelet that finds its Node there admits static pods by
// what that says (getNodeAnyWay of Kubernetes' kubelet), maybe before it has written it itself; what it turns down so
// it never tries again. A Node that says something already is left alone.
func (c *Client) SetInitialCapacity(ctx context.Context, name string, has Capacity) error {
	var node corev1.Node
	if err := c.client.Get(ctx, client.ObjectKey{Name: name}, &node); err != nil {
		return fmt.Errorf("cannot read node %s: %w", name, err)
	}
	if len(node.Status.Allocatable) > 0 {
		return nil
	}
	if err := c.patchStatus(ctx, name, corev1.NodeStatus{Capacity: has.resources(), Allocatable: has.resources()}); err != nil {
		return fmt.Errorf("cannot note what node %s has: %w", name, err)
	}
	return nil
}

// MarkUnready notes that a node's kubelet is gone. Until the cluster finds out by itself, which takes most
// of a minute, kubeadm refuses to join a host of the same name.
func (c *Client) MarkUnready(ctx context.Context, name string) error {
	err := c.patchStatus(ctx, name, corev1.NodeStatus{Conditions: []corev1.NodeCondition{{
		Type: corev1.NodeReady, Status: corev1.ConditionUnknown, Reason: "JoinsAgain", Message: "an earlier join did not come to its end",
	}}})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("cannot mark node %s as not ready: %w", name, err)
	}
	return nil
}

func (c *Client) patchStatus(ctx context.Context, name string, status corev1.NodeStatus) error {
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	node := &corev1.Node{}
	node.Name = name
	return c.client.Status().Patch(ctx, node, client.RawPatch(types.StrategicMergePatchType, patch))
}
