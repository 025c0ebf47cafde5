package kube

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Find returns the live state of an object and whether it exists. A missing object is not an error, nor is a kind that
// the cluster does not have.
func (c *Client) Find(ctx context.Context, object Object) (found Object, there bool, err error) {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(object.GroupVersionKind())
	err = c.client.Get(ctx, client.ObjectKeyFromObject(object), live)
	switch {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return Object{}, false, nil
	case err != nil:
		return Object{}, false, fmt.Errorf("cannot read %s: %w", object.Name(), err)
	}
	return Object{live}, true, nil
}

// List returns all objects of a kind in a namespace. It returns none if the cluster does not have the kind.
func (c *Client) List(ctx context.Context, kind schema.GroupVersionKind, namespace string) ([]Object, error) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind)
	err := c.client.List(ctx, list, client.InNamespace(namespace))
	if meta.IsNoMatchError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list the cluster's %ss: %w", kind.Kind, err)
	}
	objects := make([]Object, len(list.Items))
	for i := range list.Items {
		objects[i] = Object{&list.Items[i]}
	}
	return objects, nil
}
