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
	// applyPatience is how long a request that fails for a transient reason is retried: an API server that has just
	// started, a kind whose CustomResourceDefinition was created a moment ago.
	applyPatience = time.Minute
	// applyAtOnce bounds the number of objects that are applied concurrently.
	applyAtOnce = 8
)

// Object is an object as a manifest declares it, or as the API server returns it.
type Object struct{ *unstructured.Unstructured }

// Name returns the object's kind, namespace and name for messages, as in "DaemonSet dualstrap-system/dualstrap-agent".
func (o Object) Name() string {
	if o.GetNamespace() == "" {
		return o.GetKind() + " " + o.GetName()
	}
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}

// Decode returns the objects in a stream of YAML documents. Empty documents are skipped.
func Decode(manifest []byte) ([]Object, error) {
	var objects []Object
	// The buffer size only bounds the look-ahead that tells JSON from YAML.
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	for {
		object := Object{&unstructured.Unstructured{}}
		err := decoder.Decode(&object.Object)
		switch {
		case errors.Is(err, io.EOF):
			return objects, nil
		case err != nil:
			return nil, fmt.Errorf("cannot read a manifest: %w", err)
		case len(object.Object) > 0: // a document may hold comments only
			objects = append(objects, object)
		}
	}
}

// Compare returns what [Client.Apply] would change about each object, in the order of objects. It changes nothing: the
// API server computes the result in a dry run, with its defaults and admission.
func (c *Client) Compare(ctx context.Context, objects []Object) ([]Difference, error) {
	differences := make([]Difference, len(objects))
	err := eachObject(ctx, objects, func(ctx context.Context, i int, object Object) error {
		var err error
		_, differences[i], err = c.compare(ctx, object)
		return err
	})
	return differences, err
}

// compare also returns the live object, which is nil if the object does not exist.
func (c *Client) compare(ctx context.Context, object Object) (*unstructured.Unstructured, Difference, error) {
	live, found, err := c.Find(ctx, object)
	if err != nil {
		return nil, Difference{}, err
	}
	// A dry run of an object in a namespace that does not exist yet would fail, so nothing is applied here.
	if !found {
		return nil, Difference{Verb: Create}, nil
	}
	applied, err := c.apply(ctx, object, client.DryRunAll)
	if err != nil {
		return nil, Difference{}, err
	}
	return live.Unstructured, updating(differingFields(comparable(live.Unstructured), comparable(applied))), nil
}

// Apply brings the objects to their desired state by server-side apply. Fields that the manifests do not mention keep
// their values.
func (c *Client) Apply(ctx context.Context, objects []Object) error {
	return eachObject(ctx, objects, func(ctx context.Context, _ int, object Object) error {
		return poll(ctx, applyPatience, "cannot apply "+object.Name(), func(ctx context.Context) (string, error) {
			_, err := c.apply(ctx, object)
			return "", err
		})
	})
}

// apply sends one object and returns it as the API server stored it, or would have stored it in a dry run.
func (c *Client) apply(ctx context.Context, object Object, options ...client.ApplyOption) (*unstructured.Unstructured, error) {
	// The client overwrites its argument with the response.
	applied := object.DeepCopy()
	// The manifests win over other field managers: a field that is in them is dualstrap's, no matter which manager set
	// it before.
	options = append(options, client.ForceOwnership, client.FieldOwner(fieldManager))
	if err := c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(applied), options...); err != nil {
		return nil, fmt.Errorf("cannot apply %s: %w", object.Name(), err)
	}
	return applied, nil
}

// eachObject calls do with the index of every object and the object, up to applyAtOnce at a time. It returns the first
// error and cancels the context of the other calls.
func eachObject(ctx context.Context, objects []Object, do func(context.Context, int, Object) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(applyAtOnce)
	for i, object := range objects {
		group.Go(func() error { return do(ctx, i, object) })
	}
	return group.Wait()
}
