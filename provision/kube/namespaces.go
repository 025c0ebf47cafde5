package kube

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// aliveAnnotation counts how often whoever uses a namespace has said so.
const aliveAnnotation = "dualstrap.dev/alive"

// NewNamespace makes a namespace with a name of its own that begins with a prefix, and gives the name.
func (c *Client) NewNamespace(ctx context.Context, prefix string, labels map[string]string) (string, error) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: prefix, Labels: labels}}
	if err := c.client.Create(ctx, namespace); err != nil {
		return "", fmt.Errorf("cannot make a namespace: %w", err)
	}
	return namespace.Name, nil
}

// Leftover is a namespace that may have no user any more.
type Leftover struct {
	Name string
	// version is another one as soon as anything about the namespace has changed.
	version string
}

// Leftovers are the namespaces with a label. Which of them are in use is told by their users, who keep
// them alive with [Client.KeepAlive]; see [Client.DeleteLeftover].
func (c *Client) Leftovers(ctx context.Context, label string) ([]Leftover, error) {
	var list corev1.NamespaceList
	if err := c.client.List(ctx, &list, client.HasLabels{label}); err != nil {
		return nil, fmt.Errorf("cannot list namespaces: %w", err)
	}
	leftovers := make([]Leftover, len(list.Items))
	for i := range list.Items {
		leftovers[i] = Leftover{Name: list.Items[i].Name, version: list.Items[i].ResourceVersion}
	}
	return leftovers, nil
}

// KeepAlive says again and again, until the context ends, that a namespace is in use. When it cannot be
// said once, the next time will do.
func (c *Client) KeepAlive(ctx context.Context, name string, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for count := 1; ; count++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:"%d"}}}`, aliveAnnotation, count)
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		c.client.Patch(ctx, namespace, client.RawPatch(types.MergePatchType, patch)) //nolint:errcheck // see above
	}
}

// DeleteLeftover deletes a namespace unless it has changed since it was listed: then someone uses it.
func (c *Client) DeleteLeftover(ctx context.Context, leftover Leftover) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: leftover.Name}}
	err := c.client.Delete(ctx, namespace, client.Preconditions{ResourceVersion: &leftover.version})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("cannot delete namespace %s: %w", leftover.Name, err)
	}
	return nil
}

// DeleteNamespace deletes a namespace and waits until nothing of it is left.
func (c *Client) DeleteNamespace(ctx context.Context, name string, patience time.Duration) error {
	return poll(ctx, patience, "namespace "+name+" is not gone", func(ctx context.Context) (string, error) {
		var namespace corev1.Namespace
		err := c.client.Get(ctx, client.ObjectKey{Name: name}, &namespace)
		if apierrors.IsNotFound(err) {
			return "", nil
		}
		if err == nil && namespace.DeletionTimestamp == nil {
			err = client.IgnoreNotFound(c.client.Delete(ctx, &namespace))
		}
		return deletionBlockers(&namespace), err
	})
}

// deletionBlockers is what a namespace that is being deleted waits for.
func deletionBlockers(namespace *corev1.Namespace) string {
	for _, condition := range namespace.Status.Conditions {
		if condition.Status == corev1.ConditionTrue {
			return condition.Message
		}
	}
	return "it is being deleted"
}
