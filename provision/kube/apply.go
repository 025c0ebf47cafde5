package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// applyPatience is how long a request that fails for a passing reason is tried again: an API server
	// that has just come up, a kind that was defined a moment ago.
	applyPatience = time.Minute
	// applyAtOnce bounds how many objects are on their way at once.
	applyAtOnce = 8
)

// Object is one object as manifests say it.
type Object struct{ *unstructured.Unstructured }

// Name is what people call the object: DaemonSet dualstrap-system/dualstrap-agent.
func (o Object) Name() string {
	if o.GetNamespace() == "" {
		return o.GetKind() + " " + o.GetName()
	}
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}

// Decode reads a stream of YAML documents.
func Decode(manifest []byte) ([]Object, error) {
	var objects []Object
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	for {
		object := Object{&unstructured.Unstructured{}}
		err := decoder.Decode(&object.Object)
		switch {
		case errors.Is(err, io.EOF):
			return objects, nil
		case err != nil:
			return nil, fmt.Errorf("cannot read a manifest: %w", err)
		case len(object.Object) > 0: // a document of comments alone is none
			objects = append(objects, object)
		}
	}
}

// Compare says what [Client.Apply] would change about each object.
func (c *Client) Compare(ctx context.Context, objects []Object) ([]Difference, error) {
	differences := make([]Difference, len(objects))
	err := eachObject(ctx, objects, func(ctx context.Context, i int, object Object) error {
		var err error
		_, differences[i], err = c.compare(ctx, object)
		return err
	})
	return differences, err
}

// compare gives what there is of an object, too; nothing of one that is missing.
func (c *Client) compare(ctx context.Context, object Object) (*unstructured.Unstructured, Difference, error) {
	live, found, err := c.Find(ctx, object)
	if err != nil {
		return nil, Difference{}, err
	}
	if !found {
		return nil, Difference{Verb: Create}, nil
	}
	applied, err := c.apply(ctx, object, client.DryRunAll)
	if err != nil {
		return nil, Difference{}, err
	}
	return live.Unstructured, updating(differingFields(comparable(live.Unstructured), comparable(applied))), nil
}

// Apply makes the objects be as the manifests say, by server-side apply: fields that the manifests do
// not mention stay as they are.
func (c *Client) Apply(ctx context.Context, objects []Object) error {
	return eachObject(ctx, objects, func(ctx context.Context, _ int, object Object) error {
		return poll(ctx, applyPatience, "cannot apply "+object.Name(), func(ctx context.Context) (string, error) {
			_, err := c.apply(ctx, object)
			return "", err
		})
	})
}

func (c *Client) apply(ctx context.Context, object Object, options ...client.ApplyOption) (*unstructured.Unstructured, error) {
	applied := object.DeepCopy()
	options = append(options, client.ForceOwnership, client.FieldOwner(FieldManager))
	if err := c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(applied), options...); err != nil {
		return nil, fmt.Errorf("cannot apply %s: %w", object.Name(), err)
	}
	return applied, nil
}

// eachObject does something with every object, several at a time.
func eachObject(ctx context.Context, objects []Object, do func(context.Context, int, Object) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(applyAtOnce)
	for i, object := range objects {
		group.Go(func() error { return do(ctx, i, object) })
	}
	return group.Wait()
}
