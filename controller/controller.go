package controller

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/dualstrap/dualstrap/api/v1alpha1"
)

// Name is that of the controller wherever it shows: its lease, its Events, its user agent.
const Name = "dualstrap-controller"

// The times of leader election; see the package comment for what they have to do with writeTimeout.
const (
	leaseDuration = 15 * time.Second
	renewDeadline = 8 * time.Second
	retryPeriod   = 2 * time.Second
	writeTimeout  = 4 * time.Second
)

// Options are what Run needs.
type Options struct {
	// Config reaches the API server.
	Config *rest.Config
	// Namespace is where the lease is.
	Namespace string
	// HealthAddress is where /healthz, /readyz and /metrics are served, as in 127.0.0.1:10270.
	HealthAddress string
	// APIServerNames are names and addresses that clients know API servers by, beside those of their nodes: no node gets
	// a certificate for them.
	APIServerNames []string
	Logger         *slog.Logger
}

// Run takes part in leader election. While it leads it assigns podCIDRs and approves kubelets' serving certificates. It
// returns nil when the context ends, after it has handed over its lease, and an error when it cannot go on.
func Run(ctx context.Context, o Options) error {
	log := logr.FromSlogHandler(o.Logger.Handler())
	ctrllog.SetLogger(log)
	klog.SetLogger(log)

	scheme, err := newScheme()
	if err != nil {
		return err
	}
	config := rest.CopyConfig(o.Config)
	config.UserAgent = Name
	config.QPS = -1 // no limit: the number of writers is one, and the API server has its own
	health := &health{}
	m, err := manager.New(config, manager.Options{
		Scheme:                        scheme,
		Logger:                        log,
		Cache:                         cacheOptions(),
		LeaderElection:                true,
		LeaderElectionID:              Name,
		LeaderElectionNamespace:       o.Namespace,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 new(leaseDuration),
		RenewDeadline:                 new(renewDeadline),
		RetryPeriod:                   new(retryPeriod),
		HealthProbeBindAddress:        "0", // the server of the metrics is enough for all
		Metrics: metricsserver.Options{
			BindAddress:   o.HealthAddress,
			ExtraHandlers: map[string]http.Handler{"/healthz": http.HandlerFunc(health.live), "/readyz": http.HandlerFunc(health.ready)},
		},
	})
	if err != nil {
		return fmt.Errorf("cannot set up the controller: %w", err)
	}
	leader, err := newLeader(m, health, o.Logger)
	if err != nil {
		return fmt.Errorf("cannot set up the controller: %w", err)
	}
	if err := m.Add(leader); err != nil {
		return fmt.Errorf("cannot set up the controller: %w", err)
	}
	if err := addApprover(ctx, m, o.APIServerNames, o.Logger); err != nil {
		return fmt.Errorf("cannot set up the controller: %w", err)
	}
	if err := m.Start(ctx); err != nil {
		return fmt.Errorf("cannot go on: %w", err)
	}
	return nil
}

// cacheOptions keeps small what is held of objects that there are many of.
func cacheOptions() cache.Options {
	return cache.Options{ByObject: map[client.Object]cache.ByObject{
		&corev1.Node{}: {Transform: slim},
		&certificatesv1.CertificateSigningRequest{}: {
			Field: fields.OneTermEqualSelector("spec.signerName", certificatesv1.KubeletServingSignerName),
		},
	}}
}

// newScheme knows the kinds that the controller reads and writes.
func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	builder := runtime.SchemeBuilder{
		certificatesv1.AddToScheme,
		corev1.AddToScheme,
		networkingv1.AddToScheme,
		func(s *runtime.Scheme) error {
			group := schema.GroupVersion{Group: "baremetal.cluster.gke.io", Version: "v1alpha1"}
			s.AddKnownTypes(group, &v1alpha1.ClusterCIDRConfig{}, &v1alpha1.ClusterCIDRConfigList{})
			metav1.AddToGroupVersion(s, group)
			return nil
		},
	}
	if err := builder.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("cannot set up the kinds of objects: %w", err)
	}
	return scheme, nil
}

// slim leaves of a cached Node what ledgerNode and the approver read. Nodes are large, and there are many.
func slim(object any) (any, error) {
	node, ok := object.(*corev1.Node)
	if !ok {
		return object, nil
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name:              node.Name,
			UID:               node.UID,
			ResourceVersion:   node.ResourceVersion,
			CreationTimestamp: node.CreationTimestamp,
			DeletionTimestamp: node.DeletionTimestamp,
			Labels:            node.Labels,
		},
		Spec: corev1.NodeSpec{PodCIDR: node.Spec.PodCIDR, PodCIDRs: node.Spec.PodCIDRs},
	}, nil
}
