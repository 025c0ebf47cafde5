package provision

import (
	"context"
	"errors"
	"net/netip"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// removeUnreachable takes nodes out of the cluster whose hosts cannot be reached: what is to be done, a control plane
// node that stays does for them.
func (r *resetRun) removeUnreachable(ctx context.Context, hosts []netip.Addr) (*workflow.Report, error) {
	runner := r.runner(hosts)
	runner.Connect = func(ctx context.Context, address netip.Addr) (remote.Host, error) {
		member, err := r.api.joinedControlPlane(ctx)
		return standInHost{Host: member, address: address}, err
	}
	return runner.Run(ctx, []workflow.Phase{
		r.leaveEtcdPhase(),
		{
			Name: deleteNodePhase, Short: "take the nodes out of the cluster",
			Plan: r.planDeleteUnreachable,
		},
	})
}

// standInHost is a host that stands in for another one.
type standInHost struct {
	remote.Host
	address netip.Addr
}

// Address implements remote.Reader.
func (s standInHost) Address() netip.Addr { return s.address }

// planDeleteUnreachable finds the Node by its address: only the host itself knows its name.
func (r *resetRun) planDeleteUnreachable(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
	client, err := r.api.client(ctx)
	if errors.Is(err, errNoCluster) {
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
		if node.K8sIP == r.index[host.Address()].K8sIP {
			actions = append(actions, workflow.Action{
				Summary: "delete node " + node.Name,
				Do:      func(ctx context.Context, _ remote.Host) error { return client.DeleteNode(ctx, node.Name) },
			})
		}
	}
	return actions, nil
}
