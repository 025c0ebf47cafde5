package step

import (
	"context"
	"slices"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/render"
)

// PlanControlPlaneLB starts the control plane's load balancer on a host that has not joined, unless it runs already. It
// cleans up a failed join first: doing so later would stop the load balancer while other hosts join through it.
func PlanControlPlaneLB(s *session.Session, rendered func() (HostFiles, error)) workflow.PlanFunc {
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		state, err := session.ReadJoinState(ctx, host)
		if err != nil || state.Joined || state.Balances && state.Partial == "" {
			return nil, err
		}
		return []workflow.Action{{Summary: "carry the control plane's VIP", Do: func(ctx context.Context, host remote.Host) error {
			files, err := rendered()
			if err != nil {
				return err
			}
			if err := cleanUpFailedJoin(ctx, s, host, state); err != nil {
				return err
			}
			balancing := slices.DeleteFunc(slices.Clone(files[host.Address()].Files), func(file render.File) bool {
				return !isStaticPod(file.Path) && file.Path != render.StandaloneKubelet
			})
			if _, err := host.WriteFiles(ctx, remoteFiles(balancing)); err != nil {
				return err
			}
			return run(ctx, host, "start the load balancer", "start_load_balancer", remote.Args{"config": render.StandaloneKubelet})
		}}}, nil
	}
}

// RemoveVIP removes the control plane's VIP from a host that may carry it. The host's pods must have ended: keepalived
// would add the VIP again.
func RemoveVIP(ctx context.Context, s *session.Session, host remote.Host) error {
	if !s.Host(host.Address()).Balancer {
		return nil
	}
	args := remote.Args{"vip": s.Cluster.Endpoint.Addr().String()}
	return run(ctx, host, "remove the control plane VIP from the host", "remove_vip", args)
}
