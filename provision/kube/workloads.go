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

// AwaitWorkloads waits until every Deployment and DaemonSet of the namespaces has all its pods, in
// their newest form.
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

// workload is a Deployment or a DaemonSet as it is waited for.
type workload struct {
	name         string
	ready, want  int32
	observed     bool
	podsSelected *metav1.LabelSelector
}

// unready says which workloads of a namespace wait for what.
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

func (c *Client) workloads(ctx context.Context, namespace string) ([]workload, error) {
	var all []workload
	var deployments appsv1.DeploymentList
	if err := c.client.List(ctx, &deployments, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	for i := range deployments.Items {
		d := &deployments.Items[i]
		want := int32(1)
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

// waitingReason is what the first container that does not run waits for. It is a hint: where it cannot be
// had, the rest is said without it.
func (c *Client) waitingReason(ctx context.Context, namespace string, selected *metav1.LabelSelector) string {
	selector, err := metav1.LabelSelectorAsSelector(selected)
	if err != nil || selector.Empty() {
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
