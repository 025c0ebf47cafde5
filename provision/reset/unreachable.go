package reset

import (
	"context"
	"errors"
	"net/netip"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// removeUnreachable removes nodes from the cluster whose hosts cannot be reached. The phases run on a remaining control
// plane node on behalf of each host.
func (r *run) removeUnreachable(ctx context.Context, hosts []netip.Addr) (*workflow.Report, error) {
	runner := r.s.Runner(hosts)
	runner.Connect = func(ctx context.Context, address netip.Addr) (remote.Host, error) {
		member, err := r.s.API.JoinedControlPlane(ctx)
		return standInHost{Host: member, address: address}, err
	}
	return runner.Run(ctx, []workflow.Phase{
		r.leaveEtcdPhase(),
		{
			Name: deleteNodePhase, Short: "remove the nodes from the cluster",
			Plan: r.planDeleteUnreachable,
		},
	})
}

// standInHost is a host that runs phases on behalf of another: it reports the other's address, and everything else happens
// on the host itself.
type standInHost struct {
	remote.Host
	address netip.Addr
}

// Address implements remote.Reader.
func (s standInHost) Address() netip.Addr { return s.address }

// planDeleteUnreachable deletes the Node of a host. It finds the Node by address, because its name comes from the host,
// which cannot be reached.
func (r *run) planDeleteUnreachable(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
	client, err := r.s.API.Client(ctx)
	if errors.Is(err, session.ErrNoCluster) { // there is no Node to delete
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	nodes, err := client.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	var actions []workflow.Action
	for _, node := range nodes {
		if node.K8sIP == r.s.Host(host.Address()).K8sIP {
			actions = append(actions, workflow.Action{
				Summary: "delete node " + node.Name,
				Do:      func(ctx context.Context, _ remote.Host) error { return client.DeleteNode(ctx, node.Name) },
			})
		}
	}
	return actions, nil
}
