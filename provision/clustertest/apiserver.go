package clustertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/managedfields"
	clientgoapply "k8s.io/client-go/applyconfigurations"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// apiServer holds the objects, which all API servers of a cluster share.
type apiServer struct {
	cluster *Cluster
	client  client.WithWatch
}

// converters returns the types that server-side apply needs. They are shared, because parsing the built-in ones takes a
// tenth of a second.
var converters = sync.OnceValue(func() []managedfields.TypeConverter { //nolint:gochecknoglobals // it is immutable
	return []managedfields.TypeConverter{clientgoapply.NewTypeConverter(builtins()), managedfields.NewDeducedTypeConverter()}
})

// builtins returns a new scheme of the types that package kube uses. Clients add all other kinds to theirs as objects
// without a type. A small scheme matters: the fake client goes through all of it for every apply.
func builtins() *runtime.Scheme {
	types := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(types), appsv1.AddToScheme(types), certificatesv1.AddToScheme(types)); err != nil {
		panic(err) //nolint:forbidigo // it only fails for a defect of client-go
	}
	return types
}

// builder returns a builder for a client with objects in memory.
func builder() *fake.ClientBuilder {
	return fake.NewClientBuilder().WithScheme(builtins()).WithTypeConverters(converters()...).WithReturnManagedFields().
		WithIndex(&corev1.Pod{}, "spec.nodeName", func(object client.Object) []string {
			if pod, is := object.(*corev1.Pod); is {
				return []string{pod.Spec.NodeName}
			}
			return nil
		})
}

// newClient returns a client of a cluster without objects.
func (c *Cluster) newClient() client.WithWatch {
	all := &applied{last: map[string]declaration{}}
	return builder().WithInterceptorFuncs(interceptor.Funcs{Apply: all.apply, Delete: c.deleteObject}).Build()
}

// applied remembers what was applied to each object, by its kind, namespace and name.
type applied struct {
	mu   sync.Mutex // guards last
	last map[string]declaration
}

// declaration holds the text that was applied to an object, and the version of the object that resulted.
type declaration struct{ text, version string }

// apply adds three things to a simulated apply: dry runs, which the fake client does not compute; controllers, which start
// the pods of workloads; and speed. Most applies repeat the last one on an object that has not changed. Of all objects, only
// Nodes have a second field manager, their kubelets, so the fields of other objects need not be merged.
func (a *applied) apply(
	ctx context.Context, objects client.WithWatch, object runtime.ApplyConfiguration, options ...client.ApplyOption,
) error {
	declared, is := object.(interface {
		UnstructuredContent() map[string]any
		SetUnstructuredContent(content map[string]any)
	})
	if !is {
		return fmt.Errorf("an apply of %T is not simulated", object)
	}
	wanted := &unstructured.Unstructured{Object: declared.UnstructuredContent()}
	text, err := json.Marshal(wanted.Object)
	if err != nil {
		return err
	}
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(wanted.GroupVersionKind())
	name := fmt.Sprint(wanted.GroupVersionKind(), client.ObjectKeyFromObject(wanted))
	err = objects.Get(ctx, client.ObjectKeyFromObject(wanted), live)
	if err == nil && a.known(name) == (declaration{string(text), live.GetResourceVersion()}) {
		declared.SetUnstructuredContent(live.Object)
		return nil
	}
	if dry := (&client.ApplyOptions{}).ApplyOptions(options); len(dry.DryRun) > 0 {
		return applyDry(ctx, object, live, dry, err)
	}
	if wanted.GetKind() == "Node" {
		err = objects.Apply(ctx, object, options...)
	} else {
		err = store(ctx, objects, wanted, live)
	}
	if err != nil {
		return err
	}
	if err = objects.Get(ctx, client.ObjectKeyFromObject(wanted), live); err == nil {
		a.remember(name, declaration{string(text), live.GetResourceVersion()})
	}
	return err
}

// deleteObject deletes an object. The kubelet of a Node that still runs registers it again.
func (c *Cluster) deleteObject(ctx context.Context, objects client.WithWatch, object client.Object, options ...client.DeleteOption) error {
	if err := objects.Delete(ctx, object, options...); err != nil {
		return err
	}
	if _, isNode := object.(*corev1.Node); !isNode {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, host := range c.hosts {
		if host.Name() == object.GetName() && !host.down && host.units["kubelet.service"].active {
			return c.api.register(host, host.Name())
		}
	}
	return nil
}

// known returns what was last applied to an object.
func (a *applied) known(name string) declaration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last[name]
}

// remember stores what was applied to an object.
func (a *applied) remember(name string, what declaration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last[name] = what
}

// applyDry applies to a copy of a Node. Other objects result as they are declared. missing is the error of an object that
// does not exist.
func applyDry(
	ctx context.Context, object runtime.ApplyConfiguration, live *unstructured.Unstructured, dry *client.ApplyOptions, missing error,
) error {
	if missing != nil || live.GetKind() != "Node" {
		return missing
	}
	dry.DryRun = nil
	return builder().WithObjects(live).Build().Apply(ctx, object, dry)
}

// store creates an object, or replaces the live one.
func store(ctx context.Context, objects client.Client, wanted, live *unstructured.Unstructured) error {
	if live.GetResourceVersion() != "" {
		wanted.SetResourceVersion(live.GetResourceVersion())
		return objects.Update(ctx, wanted)
	}
	if err := objects.Create(ctx, wanted); err != nil || wanted.GetKind() != "Deployment" {
		return err
	}
	return startPods(ctx, objects, client.ObjectKeyFromObject(wanted))
}

// startPods makes a Deployment ready, as controllers and kubelets do.
func startPods(ctx context.Context, objects client.Client, key client.ObjectKey) error {
	var d appsv1.Deployment
	if err := objects.Get(ctx, key, &d); err != nil {
		return err
	}
	want := int32(1)
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	d.Status.AvailableReplicas, d.Status.UpdatedReplicas, d.Status.ObservedGeneration = want, want, d.Generation
	return objects.Status().Update(ctx, &d)
}

// answer answers a request to the API server of a host that is not about an object.
func (a *apiServer) answer(request *http.Request, host *Host) (*http.Response, error) {
	status, body := http.StatusOK, "ok"
	switch path := request.URL.Path; {
	case path == "/readyz", strings.HasPrefix(path, "/api/v1/nodes/") && strings.HasSuffix(path, "/proxy/healthz"):
	case path == "/version":
		body = fmt.Sprintf(`{"gitVersion":%q}`, a.cluster.config.Kubernetes.Kubernetes)
	case path == "/metrics":
		a.cluster.mu.Lock()
		defer a.cluster.mu.Unlock()
		var err error
		if body, err = host.metrics(); err != nil {
			return nil, err
		}
	default:
		a.cluster.tb.Errorf("the API server does not know %s", path)
		status, body = http.StatusNotFound, "not found"
	}
	return &http.Response{
		StatusCode: status, Request: request, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewBufferString(body)),
	}, nil
}
