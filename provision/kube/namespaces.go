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

// aliveAnnotation is a counter that the user of a namespace increments while the namespace is in use. Its value means
// nothing; each increment changes the namespace's resource version.
const aliveAnnotation = "dualstrap.dev/alive"

// NewNamespace creates a namespace with a unique name that begins with prefix, and returns the name.
func (c *Client) NewNamespace(ctx context.Context, prefix string, labels map[string]string) (string, error) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: prefix, Labels: labels}}
	if err := c.client.Create(ctx, namespace); err != nil {
		return "", fmt.Errorf("cannot make a namespace: %w", err)
	}
	return namespace.Name, nil
}

// Leftover is a namespace that may no longer be in use.
type Leftover struct {
	Name string
	// version is the namespace's resource version, which every change of the namespace changes.
	version string
}

// Leftovers returns the namespaces that have a label. Some of them may be in use by runs that call [Client.KeepAlive];
// [Client.DeleteLeftover] tells them apart.
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

// KeepAlive marks a namespace as in use, once per interval, until the context ends. A failed attempt is ignored,
// because the next one does the same.
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
		_ = c.client.Patch(ctx, namespace, client.RawPatch(types.MergePatchType, patch)) // see above
	}
}

// DeleteLeftover deletes a namespace unless it has changed since it was listed, which means that it is in use. The
// interval between [Client.Leftovers] and this call must therefore be longer than that of [Client.KeepAlive].
func (c *Client) DeleteLeftover(ctx context.Context, leftover Leftover) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: leftover.Name}}
	// The API server compares the version, so a mark that is set after the listing keeps the namespace.
	err := c.client.Delete(ctx, namespace, client.Preconditions{ResourceVersion: &leftover.version})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("cannot delete namespace %s: %w", leftover.Name, err)
	}
	return nil
}

// DeleteNamespace deletes a namespace and waits until it and everything in it is gone.
func (c *Client) DeleteNamespace(ctx context.Context, name string, patience time.Duration) error {
	return poll(ctx, patience, "namespace "+name+" is not gone", func(ctx context.Context) (string, error) {
		var namespace corev1.Namespace
		err := c.client.Get(ctx, client.ObjectKey{Name: name}, &namespace)
		if apierrors.IsNotFound(err) {
			return "", nil
		}
		// Delete inside of the loop: it is retried if it fails for a transient reason.
		if err == nil && namespace.DeletionTimestamp == nil {
			err = client.IgnoreNotFound(c.client.Delete(ctx, &namespace))
		}
		return deletionBlockers(&namespace), err
	})
}

// deletionBlockers returns what the deletion of a namespace is waiting for, as its conditions describe it.
func deletionBlockers(namespace *corev1.Namespace) string {
	for _, condition := range namespace.Status.Conditions {
		if condition.Status == corev1.ConditionTrue {
			return condition.Message
		}
	}
	return "it is being deleted"
}
