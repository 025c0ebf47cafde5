//go:build integration

package kube

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const testLabel = "dualstrap.dev/test"

// isDeleted reports whether a namespace is being deleted. Without a controller, the deletion never finishes.
func isDeleted(t *testing.T, c *Client, name string) bool {
	t.Helper()
	var namespace corev1.Namespace
	if err := c.client.Get(t.Context(), client.ObjectKey{Name: name}, &namespace); err != nil {
		t.Fatal(err)
	}
	return namespace.DeletionTimestamp != nil
}

func newNamespace(t *testing.T, c *Client) string {
	t.Helper()
	name, err := c.NewNamespace(t.Context(), "test-", map[string]string{testLabel: "true"})
	if err != nil || !strings.HasPrefix(name, "test-") {
		t.Fatalf("%q, %v", name, err)
	}
	return name
}

// TestIntegrationLeftovers checks that a namespace that is kept alive is not deleted as a leftover, however old it is.
func TestIntegrationLeftovers(t *testing.T) {
	t.Parallel()
	c := connect(t)
	left, used := newNamespace(t, c), newNamespace(t, c)
	found, err := c.Leftovers(t.Context(), testLabel)
	if err != nil || len(found) != 2 {
		t.Fatalf("%v, %v", found, err)
	}
	alive, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		c.KeepAlive(alive, used, time.Millisecond)
		close(ended)
	}()
	err = poll(t.Context(), time.Minute, "nobody keeps it alive", func(ctx context.Context) (string, error) {
		var namespace corev1.Namespace
		err := c.client.Get(ctx, client.ObjectKey{Name: used}, &namespace)
		if namespace.Annotations[aliveAnnotation] == "" {
			return "it has no annotation", err
		}
		return "", err
	})
	stop()
	<-ended
	if err != nil {
		t.Fatal(err)
	}
	for _, leftover := range found {
		if err := c.DeleteLeftover(t.Context(), leftover); err != nil {
			t.Error(err)
		}
	}
	if !isDeleted(t, c, left) {
		t.Error("the leftover stays")
	}
	if isDeleted(t, c, used) {
		t.Error("a namespace in use is deleted")
	}
	if err := c.DeleteLeftover(t.Context(), Leftover{Name: "gone", version: "1"}); err != nil {
		t.Errorf("one that somebody else has deleted: %v", err)
	}
}

func TestIntegrationDeleteNamespaceSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	c := connect(t)
	name := newNamespace(t, c)
	err := c.DeleteNamespace(t.Context(), name, time.Second)
	if err == nil || !strings.Contains(err.Error(), "namespace "+name+" is not gone after 1s: it is being deleted") {
		t.Errorf("%v", err)
	}
	if !isDeleted(t, c, name) {
		t.Error("it was not deleted")
	}
	if err := c.DeleteNamespace(t.Context(), "never-there", time.Second); err != nil {
		t.Errorf("one that is gone: %v", err)
	}
}
