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

// Name is the name of the controller: of its lease, its user agent and the reporter of its Events.
const Name = "dualstrap-controller"

// The times of leader election. The package comment explains how they relate to writeTimeout.
const (
	leaseDuration = 15 * time.Second
	renewDeadline = 8 * time.Second
	retryPeriod   = 2 * time.Second
	writeTimeout  = 4 * time.Second
)

// Options configures Run.
type Options struct {
	// Config is the connection to the API server.
	Config *rest.Config
	// Namespace is that of the lease.
	Namespace string
	// HealthAddress is where /healthz, /readyz and /metrics are served, as in 127.0.0.1:10270.
	HealthAddress string
	// APIServerNames are the names and addresses under which clients reach API servers, except those of their nodes. No
	// node gets a certificate for them, because it could impersonate an API server with it.
	APIServerNames []string
	// Logger receives the logs of controller-runtime and client-go, too.
	Logger *slog.Logger
}

// Run takes part in the leader election. While it leads, it assigns podCIDRs and approves kubelets' serving
// certificates. It returns nil when the context ends, after it has released its lease, and an error if it cannot
// continue.
func Run(ctx context.Context, o Options) error {
	log := logr.FromSlogHandler(o.Logger.Handler())
	ctrllog.SetLogger(log)
	klog.SetLogger(log)

	scheme, err := newScheme()
	if err != nil {
		return err
	}
	// The caller's configuration is not modified.
	config := rest.CopyConfig(o.Config)
	config.UserAgent = Name
	config.QPS = -1 // the number of writers limits the rate, and the API server has limits of its own
	health := &health{}
	m, err := manager.New(config, manager.Options{
		Scheme:                  scheme,
		Logger:                  log,
		Cache:                   cacheOptions(),
		LeaderElection:          true,
		LeaderElectionID:        Name,
		LeaderElectionNamespace: o.Namespace,
		// The manager releases the lease only after the writers have ended, so another instance can take over at once.
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 new(leaseDuration),
		RenewDeadline:                 new(renewDeadline),
		RetryPeriod:                   new(retryPeriod),
		HealthProbeBindAddress:        "0", // the metrics server serves the probes as well
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
	// The manager starts both only on the instance that has acquired the lease.
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

// cacheOptions limits the memory that cached objects take: of Nodes, only some fields are kept, and of certificate
// signing requests, only those for kubelets' serving certificates.
func cacheOptions() cache.Options {
	return cache.Options{ByObject: map[client.Object]cache.ByObject{
		&corev1.Node{}: {Transform: slim},
		&certificatesv1.CertificateSigningRequest{}: {
			Field: fields.OneTermEqualSelector("spec.signerName", certificatesv1.KubeletServingSignerName),
		},
	}}
}

// newScheme returns the kinds that the controller reads and writes.
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

// slim reduces a cached Node to the fields that ledgerNode and the approver read. Nodes are large, and there are many.
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
