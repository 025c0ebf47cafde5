package clustertest

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/dualstrap/dualstrap/provision/kube"
)

// dialing returns a client of objects that connects with dial before every request. rewrite stores a Secret again.
func dialing(objects client.WithWatch, dial kube.Dial, rewrite func(through *Host, secret client.ObjectKey)) client.Client {
	connected := func(ctx context.Context, request func() error) error {
		if _, err := throughHost(ctx, dial); err != nil {
			return err
		}
		return request()
	}
	type withWatch = client.WithWatch
	return interceptor.NewClient(objects, interceptor.Funcs{
		Get: func(ctx context.Context, to withWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
			return connected(ctx, func() error { return to.Get(ctx, key, object, options...) })
		},
		List: func(ctx context.Context, to withWatch, list client.ObjectList, options ...client.ListOption) error {
			return connected(ctx, func() error { return to.List(ctx, list, options...) })
		},
		Create: func(ctx context.Context, to withWatch, object client.Object, options ...client.CreateOption) error {
			return connected(ctx, func() error { return to.Create(ctx, object, options...) })
		},
		Delete: func(ctx context.Context, to withWatch, object client.Object, options ...client.DeleteOption) error {
			return connected(ctx, func() error { return to.Delete(ctx, object, options...) })
		},
		DeleteAllOf: func(ctx context.Context, to withWatch, object client.Object, options ...client.DeleteAllOfOption) error {
			return connected(ctx, func() error { return to.DeleteAllOf(ctx, object, options...) })
		},
		Patch: func(ctx context.Context, to withWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
			if isSecret(object) {
				through, err := throughHost(ctx, dial)
				if err == nil {
					rewrite(through, client.ObjectKeyFromObject(object))
				}
				return err
			}
			return connected(ctx, func() error { return to.Patch(ctx, object, patch, options...) })
		},
		Apply: func(ctx context.Context, to withWatch, object runtime.ApplyConfiguration, options ...client.ApplyOption) error {
			return connected(ctx, func() error { return to.Apply(ctx, object, options...) })
		},
		SubResourceCreate: func(
			ctx context.Context, to client.Client, name string, object, sub client.Object, options ...client.SubResourceCreateOption,
		) error {
			return connected(ctx, func() error { return to.SubResource(name).Create(ctx, object, sub, options...) })
		},
		SubResourcePatch: func(
			ctx context.Context, to client.Client, name string, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption,
		) error {
			return connected(ctx, func() error { return to.SubResource(name).Patch(ctx, object, patch, options...) })
		},
	})
}
