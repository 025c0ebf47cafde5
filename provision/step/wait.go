package step

import (
	"context"
	"time"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/render"
)

const (
	// readyTimeout is how long a node may take to become ready after it has joined, and how long the cluster's workloads
	// may take after all nodes are ready.
	readyTimeout = 5 * time.Minute
	// servingTimeout is how long the kubelet of a ready node may take to get its serving certificate. The kubelet requests
	// one when it starts, and retries failed requests after half a minute at most.
	servingTimeout = 2 * time.Minute
)

// PlanWaitNode waits until the host's node is ready. If the cluster signs the kubelets' serving certificates, it also waits
// until the kubelet has its own: kubectl logs and kubectl exec need it.
func PlanWaitNode(s *session.Session, signsServing func() (bool, error)) workflow.PlanFunc {
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		client, err := s.API.Client(ctx)
		if err != nil {
			return nil, err
		}
		// A read-only phase has no actions, so it waits in its plan.
		name := s.Host(host.Address()).NodeFacts().Name
		if err := client.AwaitNode(ctx, name, readyTimeout); err != nil {
			return nil, err
		}
		if signs, err := signsServing(); !signs || err != nil {
			return nil, err
		}
		return nil, client.AwaitKubelet(ctx, name, servingTimeout)
	}
}

// SignsServing reports whether the kubelets request their serving certificates from the cluster. Kubelets of clusters that
// an older dualstrap created sign their own.
func SignsServing(ctx context.Context, s *session.Session) (bool, error) {
	client, err := s.API.Client(ctx)
	if err != nil {
		return false, err
	}
	kubelet, err := ClusterKubelet(ctx, client)
	return kubelet != nil && kubelet.ServerTLSBootstrap, err
}

// PlanWaitWorkloads waits until the workloads in the namespaces that dualstrap manages are ready.
func PlanWaitWorkloads(s *session.Session) workflow.PlanFunc {
	namespaces := []string{"kube-system", render.SystemNamespace}
	if s.Config.LoadBalancer.Services == api.ServicesLayer2 {
		namespaces = append(namespaces, render.MetalLBNamespace)
	}
	return func(ctx context.Context, _ remote.Reader) ([]workflow.Action, error) {
		client, err := s.API.Client(ctx)
		if err != nil {
			return nil, err
		}
		return nil, client.AwaitWorkloads(ctx, namespaces, readyTimeout)
	}
}
