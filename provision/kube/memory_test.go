package kube

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// paths answers requests that are not about objects: by path, the body, or an empty one for a failure.
type paths map[string]string

// RoundTrip implements http.RoundTripper.
func (p paths) RoundTrip(request *http.Request) (*http.Response, error) {
	body, status := p[request.URL.Path], http.StatusOK
	if body == "" {
		body, status = "no such path", http.StatusInternalServerError
	}
	return &http.Response{
		StatusCode: status, Request: request, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewBufferString(body)),
	}, nil
}

// inMemory returns a client of a cluster with these objects. broken, which may be nil, replaces methods of the client.
func inMemory(t *testing.T, answers paths, broken interceptor.Funcs, objects ...client.Object) *Client {
	t.Helper()
	index := func(field func(client.Object) string) client.IndexerFunc {
		return func(object client.Object) []string { return []string{field(object)} }
	}
	builder := fake.NewClientBuilder().WithObjects(objects...).WithInterceptorFuncs(broken).
		WithIndex(&corev1.Pod{}, "spec.nodeName", index(func(object client.Object) string {
			return object.(*corev1.Pod).Spec.NodeName // the index is of pods
		})).
		WithIndex(&certificatesv1.CertificateSigningRequest{}, "spec.signerName", index(func(object client.Object) string {
			return object.(*certificatesv1.CertificateSigningRequest).Spec.SignerName // as above
		}))
	c, err := New(builder.Build(), answers, []byte("authority"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// named returns the metadata of an object.
func named(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

// expectWait fails the test unless an error is of a wait that ended, with a reason that contains a text.
func expectWait(t *testing.T, err error, reason string) {
	t.Helper()
	var waited *WaitError
	if !errors.As(err, &waited) || !strings.Contains(waited.Reason, reason) {
		t.Errorf("%v, want a wait for %q", err, reason)
	}
}

func TestClientFromParts(t *testing.T) {
	t.Parallel()
	c := inMemory(t, paths{"/readyz": "ok", "/version": `{"gitVersion":"v1.36.3"}`}, interceptor.Funcs{})
	if err := c.Ready(t.Context(), time.Second); err != nil {
		t.Error(err)
	}
	if version, err := c.Version(t.Context()); err != nil || version != "v1.36.3" {
		t.Errorf("version %q, %v", version, err)
	}
	if string(c.CA()) != "authority" {
		t.Errorf("authority %q", c.CA())
	}
	other := inMemory(t, paths{"/version": `<html>`}, interceptor.Funcs{})
	if _, err := other.Version(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot understand") {
		t.Errorf("a page in place of a version: %v", err)
	}
}

func TestReadyWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		err := inMemory(t, paths{}, interceptor.Funcs{}).Ready(t.Context(), 3*time.Second)
		expectWait(t, err, "an error on the server")
	})
}

func TestSystemConfig(t *testing.T) {
	t.Parallel()
	settings := &corev1.ConfigMap{ObjectMeta: named("kube-system", "kubeadm-config"), Data: map[string]string{"a": "1"}}
	c := inMemory(t, nil, interceptor.Funcs{}, settings)
	for key, want := range map[[2]string]string{{"kubeadm-config", "a"}: "1", {"kubeadm-config", "b"}: "", {"other", "a"}: ""} {
		if got, err := c.SystemConfig(t.Context(), key[0], key[1]); err != nil || got != want {
			t.Errorf("%v: %q, %v", key, got, err)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	foreign := &corev1.Secret{ObjectMeta: named("kube-system", "bootstrap-token-abcdef")}
	c := inMemory(t, nil, interceptor.Funcs{
		// The API server sets the time of creation also in a dry run.
		Create: func(ctx context.Context, to client.WithWatch, object client.Object, options ...client.CreateOption) error {
			object.SetCreationTimestamp(metav1.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC))
			return to.Create(ctx, object, options...)
		},
	}, foreign)
	token, err := c.MintToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var secret corev1.Secret
	id, _, _ := strings.Cut(token, ".")
	if err := c.client.Get(t.Context(), client.ObjectKey{Namespace: "kube-system", Name: "bootstrap-token-" + id}, &secret); err != nil {
		t.Fatal(err)
	}
	if end := secret.StringData["expiration"]; end != "2026-12-01T10:30:00Z" {
		t.Errorf("the token expires at %q", end)
	}
	if err := c.RevokeTokens(t.Context()); err != nil {
		t.Fatal(err)
	}
	var left corev1.SecretList
	if err := c.client.List(t.Context(), &left); err != nil || len(left.Items) != 1 || left.Items[0].Name != foreign.Name {
		t.Errorf("left: %v, %v", left.Items, err)
	}
}

func TestAwaitWorkloads(t *testing.T) {
	t.Parallel()
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	two := int32(2)
	deployment := func(name string, generation int64, status appsv1.DeploymentStatus) *appsv1.Deployment {
		d := &appsv1.Deployment{ObjectMeta: named("kube-system", name), Status: status}
		d.Spec.Replicas, d.Spec.Selector, d.Generation = &two, selector, generation
		return d
	}
	daemonSet := func(namespace string) *appsv1.DaemonSet {
		return &appsv1.DaemonSet{ObjectMeta: named(namespace, "agent"), Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 3}}
	}
	ready := appsv1.DeploymentStatus{AvailableReplicas: 2, UpdatedReplicas: 2, ObservedGeneration: 1}
	pod := &corev1.Pod{ObjectMeta: named("kube-system", "web-1")}
	pod.Labels = selector.MatchLabels
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{
		{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImageNeverPull", Message: "no image"}}},
	}
	for name, tc := range map[string]struct {
		objects []client.Object
		waits   string // empty if all are ready
	}{
		"nothing": {nil, ""},
		"ready":   {[]client.Object{deployment("web", 1, ready)}, ""},
		"too few": {
			[]client.Object{deployment("web", 1, appsv1.DeploymentStatus{AvailableReplicas: 1, UpdatedReplicas: 2}), pod},
			"deployment kube-system/web has 1 of 2 pods (web-1: ErrImageNeverPull no image)",
		},
		"old pods":     {[]client.Object{deployment("web", 2, ready)}, "deployment kube-system/web has 2 of 2 pods"},
		"a daemon set": {[]client.Object{daemonSet("kube-system")}, "daemon set kube-system/agent has 0 of 3 pods"},
		"elsewhere":    {[]client.Object{daemonSet("default")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				err := inMemory(t, nil, interceptor.Funcs{}, tc.objects...).AwaitWorkloads(t.Context(), []string{"kube-system"}, time.Minute)
				if tc.waits == "" && err == nil {
					return
				}
				expectWait(t, err, tc.waits)
			})
		})
	}
}

func TestNamespaces(t *testing.T) {
	t.Parallel()
	used, left := &corev1.Namespace{ObjectMeta: named("", "used")}, &corev1.Namespace{ObjectMeta: named("", "left")}
	used.Labels, left.Labels = map[string]string{"proof": ""}, map[string]string{"proof": ""}
	c := inMemory(t, nil, interceptor.Funcs{}, used, left, &corev1.Namespace{ObjectMeta: named("", "other")})
	leftovers, err := c.Leftovers(t.Context(), "proof")
	if err != nil || len(leftovers) != 2 {
		t.Fatalf("%v, %v", leftovers, err)
	}
	// One of them shows that it is in use after it was listed.
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.KeepAlive(ctx, "used", time.Millisecond)
	}()
	for marked := false; !marked; {
		var namespace corev1.Namespace
		if err := c.client.Get(t.Context(), client.ObjectKey{Name: "used"}, &namespace); err != nil {
			t.Fatal(err)
		}
		_, marked = namespace.Annotations[aliveAnnotation]
	}
	cancel()
	<-done
	for _, leftover := range leftovers {
		if err := c.DeleteLeftover(t.Context(), leftover); err != nil {
			t.Error(err)
		}
	}
	var list corev1.NamespaceList
	if err := c.client.List(t.Context(), &list); err != nil || len(list.Items) != 2 {
		t.Errorf("%v, %v", list.Items, err)
	}
	if err := c.DeleteNamespace(t.Context(), "used", time.Minute); err != nil {
		t.Error(err)
	}
}

func TestTransientErrorsAreRetried(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		failure error
		retried bool
	}{
		"no leader":  {apierrors.NewInternalError(errors.New("etcdserver: leader changed")), true},
		"overloaded": {apierrors.NewTooManyRequests("wait", 1), true},
		"invalid":    {apierrors.NewBadRequest("no"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				c := inMemory(t, nil, interceptor.Funcs{
					Create: func(ctx context.Context, to client.WithWatch, object client.Object, options ...client.CreateOption) error {
						if tries++; tries < 3 {
							return tc.failure
						}
						return to.Create(ctx, object, options...)
					},
				})
				err := c.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: named("default", "new")})
				if (err == nil) != tc.retried || tries != map[bool]int{true: 3, false: 1}[tc.retried] {
					t.Errorf("%d tries: %v", tries, err)
				}
			})
		})
	}
}
