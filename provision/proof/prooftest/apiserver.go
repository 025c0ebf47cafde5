package prooftest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/provision/kube"
)

// requestTime is how long an API server needs for a request.
const requestTime = 20 * time.Millisecond

// APIServer holds the objects of the cluster, and does what its controllers and kubelets do with them.
type APIServer struct {
	// Objects reads and changes objects without any of the faults below.
	Objects client.WithWatch
	// Fail returns the error of a request, or nil. The verb is that of kubectl, the kind a Go type such as *v1.Service.
	Fail func(verb, kind string) error
	// Created is called with each object that is created, if it is not nil.
	Created func(client.Object)
	// PodsAfter is how long pods need to start.
	PodsAfter time.Duration
	// Idle is set if kube-controller-manager does not start pods.
	Idle bool
	// Terminating is set if a namespace cannot be deleted, because of what it contains.
	Terminating bool
	// ServiceRanges are those that Services get addresses from. They are those of the manifests if it is nil.
	ServiceRanges []netip.Prefix

	network *Network
	// created counts the Services so far, and balancers those of type LoadBalancer, which makes their addresses unique.
	created, balancers atomic.Int32
}

// newAPIServer returns the API server of a cluster whose nodes are ready.
func newAPIServer(n *Network) *APIServer {
	types := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(types), appsv1.AddToScheme(types), certificatesv1.AddToScheme(types)); err != nil {
		n.tb.Fatal(err)
	}
	s := &APIServer{network: n, PodsAfter: 2 * time.Second}
	s.Objects = fake.NewClientBuilder().WithScheme(types).WithObjects(n.objects()...).
		WithIndex(&certificatesv1.CertificateSigningRequest{}, "spec.signerName", func(object client.Object) []string {
			return []string{object.(*certificatesv1.CertificateSigningRequest).Spec.SignerName} //nolint:forcetypeassert // as above
		}).Build()
	n.services = []*service{{
		namespace: metav1.NamespaceSystem, name: dnsName,
		addresses: []netip.Addr{netip.MustParseAddr("172.16.0.10"), netip.MustParseAddr("fd12::5:a")},
	}}
	return s
}

// objects returns those of a cluster without workloads.
func (n *Network) objects() []client.Object {
	named := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: name}
	}
	objects := []client.Object{
		&corev1.ConfigMap{
			ObjectMeta: named("kubelet-config"), Data: map[string]string{"kubelet": "kind: KubeletConfiguration\nserverTLSBootstrap: true\n"},
		},
		&corev1.Service{ObjectMeta: named(dnsName), Spec: corev1.ServiceSpec{ClusterIPs: []string{"172.16.0.10", "fd12::5:a"}}},
	}
	for i := range n.Config.Pools {
		pool := &n.Config.Pools[i]
		for j := range pool.Nodes {
			node := n.Nodes[len(objects)-2]
			ready := corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue}
			objects = append(objects, &corev1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: node.Name, Labels: n.Config.NodeLabels(pool, &pool.Nodes[j])},
				Spec: corev1.NodeSpec{
					ProviderID: api.ProviderID(node.IPv4), PodCIDR: node.PodCIDRs[0].String(),
					PodCIDRs: []string{node.PodCIDRs[0].String(), node.PodCIDRs[1].String()},
				},
				Status: corev1.NodeStatus{
					Conditions: []corev1.NodeCondition{ready}, NodeInfo: corev1.NodeSystemInfo{KubeletVersion: "v1.36.3"},
					Addresses: []corev1.NodeAddress{
						{Type: corev1.NodeInternalIP, Address: node.IPv4.String()}, {Type: corev1.NodeInternalIP, Address: node.IPv6.String()},
					},
				},
			})
		}
	}
	for _, program := range []string{"haproxy", "keepalived"} {
		static := &corev1.Pod{ObjectMeta: named(program + "-" + n.Nodes[0].Name), Spec: corev1.PodSpec{NodeName: n.Nodes[0].Name}}
		static.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		objects = append(objects, static)
	}
	return objects
}

// Client returns a client of the API server.
func (s *APIServer) Client() *kube.Client {
	type withWatch = client.WithWatch
	objects := interceptor.NewClient(s.Objects, interceptor.Funcs{
		Get: func(ctx context.Context, to withWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
			return s.request(ctx, "get", object, func() error { return to.Get(ctx, key, object, options...) })
		},
		List: func(ctx context.Context, to withWatch, list client.ObjectList, options ...client.ListOption) error {
			return s.request(ctx, "list", list, func() error { return to.List(ctx, list, options...) })
		},
		Create: func(ctx context.Context, to withWatch, object client.Object, options ...client.CreateOption) error {
			return s.request(ctx, "create", object, func() error { return s.create(ctx, to, object, options) })
		},
		Patch: func(ctx context.Context, to withWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
			return s.request(ctx, "patch", object, func() error { return to.Patch(ctx, object, patch, options...) })
		},
		Delete: func(ctx context.Context, to withWatch, object client.Object, options ...client.DeleteOption) error {
			return s.request(ctx, "delete", object, func() error { return s.remove(ctx, to, object, options) })
		},
	})
	client, err := kube.New(objects, s, s.network.CA.PEM())
	if err != nil {
		s.network.tb.Error(err)
	}
	return client
}

// request makes a request take its time, and fail if that is wanted. An interrupt may come before the answer: what was
// requested is then done nevertheless.
func (s *APIServer) request(ctx context.Context, verb string, object any, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.Fail != nil {
		if err := s.Fail(verb, fmt.Sprintf("%T", object)); err != nil {
			return err
		}
	}
	err := do()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(requestTime):
		return err
	}
}

// RoundTrip implements http.RoundTripper for requests that are not about objects: those that the API server passes on to
// kubelets.
func (s *APIServer) RoundTrip(request *http.Request) (*http.Response, error) {
	status, body := http.StatusOK, "ok"
	name, isKubelet := strings.CutPrefix(strings.TrimSuffix(request.URL.Path, "/proxy/healthz"), "/api/v1/nodes/")
	if !isKubelet {
		status, body = http.StatusNotFound, "not found"
	} else if err := s.askKubelet(request.Context(), name); err != nil {
		status, body = http.StatusServiceUnavailable, err.Error()
	}
	return &http.Response{
		StatusCode: status, Request: request, Header: http.Header{"Content-Type": {"text/plain"}},
		Body: io.NopCloser(bytes.NewBufferString(body)),
	}, nil
}

// askKubelet calls the kubelet of a node from the control plane, and verifies its certificate.
func (s *APIServer) askKubelet(ctx context.Context, name string) error {
	control := s.network.Nodes[0]
	for _, node := range s.network.Nodes {
		if node.Name != name {
			continue
		}
		to := netip.AddrPortFrom(node.IPv4, kubeletPort)
		conn, err := s.network.dial(ctx, party{host: &control.Host, node: control}, to)
		if err != nil {
			return err
		}
		defer conn.Close()
		roots := x509.NewCertPool()
		if !node.Kubelet.Distrusted {
			roots.AppendCertsFromPEM(s.network.CA.PEM())
		}
		return tls.Client(conn, &tls.Config{RootCAs: roots, ServerName: node.IPv4.String(), MinVersion: tls.VersionTLS12}).HandshakeContext(ctx)
	}
	return fmt.Errorf("nodes %q not found", name)
}
