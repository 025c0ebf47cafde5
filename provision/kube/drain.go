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

// PodToEvict identifies a pod that a drain evicts from a node.
type PodToEvict struct {
	Namespace, Name string
	// uid tells the pod from a later one of the same name, as a StatefulSet makes them.
	uid types.UID
}

// String returns the pod's namespace and name, separated by a slash.
func (p PodToEvict) String() string { return p.Namespace + "/" + p.Name }

// Cordon marks the node unschedulable. A missing node is not an error.
func (c *Client) Cordon(ctx context.Context, name string) error {
	return poll(ctx, applyPatience, "cannot cordon node "+name, func(ctx context.Context) (string, error) {
		return "", client.IgnoreNotFound(c.setUnschedulable(ctx, name, true))
	})
}

// Uncordon marks the node schedulable. Unlike with [Client.Cordon], a missing node is an error: pods are expected back on
// it.
func (c *Client) Uncordon(ctx context.Context, name string) error {
	return poll(ctx, applyPatience, "cannot uncordon node "+name, func(ctx context.Context) (string, error) {
		return "", c.setUnschedulable(ctx, name, false)
	})
}

// setUnschedulable sets only this field of a node, which other programs change as well.
func (c *Client) setUnschedulable(ctx context.Context, name string, unschedulable bool) error {
	node := &corev1.Node{}
	node.Name = name
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"unschedulable": unschedulable}})
	if err != nil {
		return err
	}
	return c.client.Patch(ctx, node, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(fieldManager))
}

// PodsToEvict returns the pods that a drain evicts from a node. It leaves out pods of DaemonSets, whose controller
// would create them again at once, mirror pods, which the kubelet runs from a file and the API server cannot stop, and
// pods that have finished.
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

// mustEvict reports whether a drain evicts the pod.
func mustEvict(pod *corev1.Pod) bool {
	if _, isMirror := pod.Annotations[corev1.MirrorPodAnnotationKey]; isMirror {
		return false
	}
	if owner := metav1.GetControllerOf(pod); owner != nil && owner.Kind == "DaemonSet" {
		return false
	}
	return pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed
}

// DrainTimeoutError reports that pods did not leave a node in time.
type DrainTimeoutError struct {
	// Patience is how long the drain was awaited: the value of --drain-timeout.
	Patience time.Duration
	// Pods holds a line for each remaining pod: its name and why it is still there.
	Pods []string
}

// Error implements error.
func (e *DrainTimeoutError) Error() string {
	return fmt.Sprintf("the node is not drained after %s: %s", e.Patience, strings.Join(e.Pods, "; "))
}

// Hint returns what the user can do about it.
func (e *DrainTimeoutError) Hint() string {
	return "scale what a PodDisruptionBudget keeps, wait longer with --drain-timeout, or do not drain with --force"
}

// Evict evicts the pods and waits until they are gone. An eviction that a PodDisruptionBudget forbids is retried until
// patience ends; then the error is a [DrainTimeoutError]. isAlive says whether the node's kubelet runs: if it does not,
// nothing terminates the pods, and Evict returns as soon as the evictions are accepted.
//
// The library of kubectl drain (k8s.io/kubectl/pkg/drain) does not take its place. It evicts by name, without the UID, it
// fails when an API server restarts or a webhook moves, and its timeout does not tell what keeps a pod.
func (c *Client) Evict(ctx context.Context, pods []PodToEvict, isAlive bool, patience time.Duration) error {
	// The end of limited is a timeout, which has its own error. The end of ctx is an interrupt.
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

// eviction holds the state of one call of [Client.Evict].
type eviction struct {
	client *Client
	// isAlive says whether the node's kubelet runs and terminates evicted pods.
	isAlive bool
	// evicted holds the pods whose eviction the API server accepted. They are not evicted again, only awaited.
	evicted map[types.UID]bool
}

// evictOnce makes one attempt for every pod. It returns the pods that remain and, at the same indices, the reasons.
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

// evictInterval is the time between two attempts to evict the remaining pods.
const evictInterval = time.Second

// evict requests the eviction of a pod, unless evicted has it, and returns why the pod still exists. The reason is
// empty if the pod is gone. A non-nil error is permanent.
func (c *Client) evict(ctx context.Context, pod PodToEvict, evicted map[types.UID]bool) (string, error) {
	object := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name}}
	if !evicted[pod.uid] {
		eviction := &policyv1.Eviction{
			ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name},
			// Without the UID, the eviction could hit a pod of the same name that has replaced this one.
			DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &pod.uid}},
		}
		// The API server deletes the pod, unless a PodDisruptionBudget forbids it: 429 Too Many Requests. Deleting the
		// pod directly would bypass the budget.
		err := c.client.SubResource("eviction").Create(ctx, object, eviction)
		switch {
		case apierrors.IsNotFound(err), apierrors.IsConflict(err): // it is gone, or another pod has its name
			return "", nil
		case apierrors.IsTooManyRequests(err):
			return "may not leave: " + budgetReason(err), nil
		// For example, an admission webhook whose own pods this drain is moving.
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

// budgetReason returns the API server's message about the PodDisruptionBudget that forbids an eviction. The message of
// the error itself only says that the eviction would violate some budget.
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

// DeleteNode deletes a Node. A missing node is not an error.
func (c *Client) DeleteNode(ctx context.Context, name string) error {
	node := &corev1.Node{}
	node.Name = name
	return poll(ctx, applyPatience, "cannot delete node "+name, func(ctx context.Context) (string, error) {
		return "", client.IgnoreNotFound(c.client.Delete(ctx, node))
	})
}
