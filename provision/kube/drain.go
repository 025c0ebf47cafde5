package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// PodToEvict is a pod that has to leave a node.
type PodToEvict struct {
	Namespace, Name string
	uid             types.UID
}

// String is as people name pods.
func (p PodToEvict) String() string { return p.Namespace + "/" + p.Name }

// Cordon keeps new pods from a node. One that is not there needs none.
func (c *Client) Cordon(ctx context.Context, name string) error {
	node := &corev1.Node{}
	node.Name = name
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"unschedulable": true}})
	if err != nil {
		return err
	}
	return poll(ctx, applyPatience, "cannot cordon node "+name, func(ctx context.Context) (string, error) {
		err := c.client.Patch(ctx, node, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(FieldManager))
		return "", client.IgnoreNotFound(err)
	})
}

// PodsToEvict lists the pods that a drain moves from a node. Those of DaemonSets would come back at once,
// those that the node's kubelet has from a file are not the cluster's to move, and those that have come to
// their end run no more.
func (c *Client) PodsToEvict(ctx context.Context, node string) ([]PodToEvict, error) {
	var list corev1.PodList
	if err := c.client.List(ctx, &list, client.MatchingFields{"spec.nodeName": node}); err != nil {
		return nil, fmt.Errorf("cannot list the pods of node %s: %w", node, err)
	}
	var pods []PodToEvict
	for i := range list.Items {
		if pod := &list.Items[i]; mustEvict(pod) {
			pods = append(pods, PodToEvict{Namespace: pod.Namespace, Name: pod.Name, uid: pod.UID})
		}
	}
	return pods, nil
}

// mustEvict reports whether a drain moves a pod.
func mustEvict(pod *corev1.Pod) bool {
	if _, isMirror := pod.Annotations[corev1.MirrorPodAnnotationKey]; isMirror {
		return false
	}
	if owner := metav1.GetControllerOf(pod); owner != nil && owner.Kind == "DaemonSet" {
		return false
	}
	return pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed
}

// DrainTimeoutError is pods that did not leave a node in time.
type DrainTimeoutError struct {
	Patience time.Duration
	// Pods are lines of what stays, and why.
	Pods []string
}

// Error implements error.
func (e *DrainTimeoutError) Error() string {
	return fmt.Sprintf("the node is not drained after %s: %s", e.Patience, strings.Join(e.Pods, "; "))
}

// Hint says what to do.
func (e *DrainTimeoutError) Hint() string {
	return "scale what a PodDisruptionBudget keeps, wait longer with --drain-timeout, or do not drain with --force"
}

// Evict has pods leave and waits until they have left. A PodDisruptionBudget that forbids it now is asked
// again until patience ends. Where the node's kubelet is gone nobody ends its pods, and to have evicted
// them is enough.
func (c *Client) Evict(ctx context.Context, pods []PodToEvict, isAlive bool, patience time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	e := eviction{client: c, isAlive: isAlive, evicted: map[types.UID]bool{}}
	left := slices.Clone(pods)
	for {
		staying, reasons, err := e.evictOnce(limited, left)
		switch {
		case err == nil && len(staying) == 0:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && limited.Err() == nil:
			return err
		}
		left = staying
		select {
		case <-limited.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &DrainTimeoutError{Patience: patience, Pods: reasons}
		case <-time.After(evictInterval):
		}
	}
}

// eviction is one call of Evict.
type eviction struct {
	client  *Client
	isAlive bool
	// evicted are the pods that are on their way.
	evicted map[types.UID]bool
}

// evictOnce asks every pod to leave, and gives those that stay, and why.
func (e *eviction) evictOnce(ctx context.Context, pods []PodToEvict) (staying []PodToEvict, reasons []string, err error) {
	for _, pod := range pods {
		reason, err := e.client.evict(ctx, pod, e.evicted)
		if err != nil && ctx.Err() == nil {
			return pods, nil, fmt.Errorf("cannot evict pod %s: %w", pod, err)
		}
		if reason != "" && (e.isAlive || !e.evicted[pod.uid]) {
			staying = append(staying, pod)
			reasons = append(reasons, pod.String()+" "+reason)
		}
	}
	return staying, reasons, nil
}

// evictInterval is how often a pod that has not left is looked at.
const evictInterval = time.Second

// evict asks for a pod to leave, once, and says why it is still there.
func (c *Client) evict(ctx context.Context, pod PodToEvict, evicted map[types.UID]bool) (string, error) {
	object := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name}}
	if !evicted[pod.uid] {
		eviction := &policyv1.Eviction{
			ObjectMeta:    metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name},
			DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &pod.uid}},
		}
		err := c.client.SubResource("eviction").Create(ctx, object, eviction)
		switch {
		case apierrors.IsNotFound(err), apierrors.IsConflict(err): // it has left, or another one has its name
			return "", nil
		case apierrors.IsTooManyRequests(err):
			return "may not leave: " + budgetReason(err), nil
		case err != nil && isTransient(err):
			return "may not leave: " + err.Error(), nil
		case err != nil:
			return "may not leave: " + err.Error(), err
		}
		evicted[pod.uid] = true
	}
	err := c.client.Get(ctx, client.ObjectKeyFromObject(object), object)
	switch {
	case apierrors.IsNotFound(err), err == nil && object.UID != pod.uid:
		return "", nil
	case err != nil && !isTransient(err):
		return "is still there", err
	}
	return "is still there", nil
}

// budgetReason is what the API server says about a PodDisruptionBudget.
func budgetReason(err error) string {
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Details != nil {
		for _, cause := range status.Status().Details.Causes {
			if cause.Message != "" {
				return cause.Message
			}
		}
	}
	return err.Error()
}

// DeleteNode deletes a Node. That there is none is fine.
func (c *Client) DeleteNode(ctx context.Context, name string) error {
	node := &corev1.Node{}
	node.Name = name
	return poll(ctx, applyPatience, "cannot delete node "+name, func(ctx context.Context) (string, error) {
		return "", client.IgnoreNotFound(c.client.Delete(ctx, node))
	})
}
