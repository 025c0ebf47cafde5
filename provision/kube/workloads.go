package kube

import (
	"context"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// AwaitWorkloads waits until every Deployment and DaemonSet of the namespaces has all its pods available and up to
// date. The reason in the [WaitError] names the workloads that are not.
func (c *Client) AwaitWorkloads(ctx context.Context, namespaces []string, patience time.Duration) error {
	return poll(ctx, patience, "not all workloads of the cluster are ready", func(ctx context.Context) (string, error) {
		var missing []string
		for _, namespace := range namespaces {
			unready, err := c.unready(ctx, namespace)
			if err != nil {
				return "", err
			}
			missing = append(missing, unready...)
		}
		return strings.Join(missing, "; "), nil
	})
}

// workload is the state of a Deployment or a DaemonSet, as far as its rollout is concerned.
type workload struct {
	// name includes the kind and the namespace, for messages.
	name string
	// ready is the number of pods that are available and up to date, want the desired number.
	ready, want int32
	// observed reports whether the controller has seen the latest spec. Until then ready counts old pods.
	observed bool
	// podsSelected selects the workload's pods.
	podsSelected *metav1.LabelSelector
}

// unready returns a text for each workload of a namespace that is not ready, with what its pods are waiting for.
func (c *Client) unready(ctx context.Context, namespace string) ([]string, error) {
	workloads, err := c.workloads(ctx, namespace)
	if err != nil {
		return nil, fmt.Errorf("cannot look at the workloads of %s: %w", namespace, err)
	}
	var missing []string
	for _, w := range workloads {
		if w.observed && w.ready == w.want {
			continue
		}
		text := fmt.Sprintf("%s has %d of %d pods", w.name, w.ready, w.want)
		if why := c.waitingReason(ctx, namespace, w.podsSelected); why != "" {
			text += " (" + why + ")"
		}
		missing = append(missing, text)
	}
	return missing, nil
}

// workloads returns the Deployments and DaemonSets of a namespace.
func (c *Client) workloads(ctx context.Context, namespace string) ([]workload, error) {
	var all []workload
	var deployments appsv1.DeploymentList
	if err := c.client.List(ctx, &deployments, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	for i := range deployments.Items {
		d := &deployments.Items[i]
		want := int32(1) // the API's default
		if d.Spec.Replicas != nil {
			want = *d.Spec.Replicas
		}
		all = append(all, workload{
			name: "deployment " + namespace + "/" + d.Name, ready: min(d.Status.AvailableReplicas, d.Status.UpdatedReplicas), want: want,
			observed: d.Status.ObservedGeneration >= d.Generation, podsSelected: d.Spec.Selector,
		})
	}
	var daemons appsv1.DaemonSetList
	if err := c.client.List(ctx, &daemons, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	for i := range daemons.Items {
		d := &daemons.Items[i]
		all = append(all, workload{
			name: "daemon set " + namespace + "/" + d.Name, ready: min(d.Status.NumberAvailable, d.Status.UpdatedNumberScheduled),
			want: d.Status.DesiredNumberScheduled, observed: d.Status.ObservedGeneration >= d.Generation, podsSelected: d.Spec.Selector,
		})
	}
	return all, nil
}

// waitingReason returns what the first waiting container of the selected pods is waiting for. It is a hint: if the pods
// cannot be listed, the result is empty and the message goes without it.
func (c *Client) waitingReason(ctx context.Context, namespace string, selected *metav1.LabelSelector) string {
	selector, err := metav1.LabelSelectorAsSelector(selected)
	if err != nil || selector.Empty() {
		// An empty selector matches all pods of the namespace, whose reasons would be misleading.
		selector = labels.Nothing()
	}
	var pods corev1.PodList
	if err := c.client.List(ctx, &pods, client.InNamespace(namespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return ""
	}
	for i := range pods.Items {
		if why := unreadyReason(&pods.Items[i]); why != "" {
			return why
		}
	}
	return ""
}
