package reset

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// The names of the phases of reset, in their order.
const (
	cordonPhase     = "cordon"
	drainPhase      = "drain"
	leaveEtcdPhase  = "leave-etcd"
	deleteNodePhase = "delete-node"
	// resetPhase is the name of the phase that restores the previous state of a host.
	resetPhase = "reset"
)

// Phases returns the phases of a reset of nodes, for documentation. They cannot run.
func Phases(s *session.Session) []workflow.Phase {
	return (&run{s: s, options: Options{Nodes: s.Addresses()}}).phases()
}

// phases returns the phases of a reset, after the hosts have been probed. A reset of the whole cluster has only the last
// one: nothing needs to be removed from a cluster that ends.
//
//	             cordon    drain   leave-etcd   delete-node   reset
//	control     ├──────┼─────────┼────────────┼─────────────┼───────┤
//	worker      ├──────┼────┤                 ├─────────────┼───────┤
func (r *run) phases() []workflow.Phase {
	reset := workflow.Phase{Name: resetPhase, Short: "restore the previous state of the host", Plan: r.planReset}
	if r.options.wholeCluster() {
		return []workflow.Phase{reset}
	}
	drains := func(netip.Addr) bool { return !r.options.Force }
	return []workflow.Phase{
		{
			Name: cordonPhase, Short: "cordon the nodes", Hosts: drains,
			Plan: r.planCordon,
		},
		{
			Name: drainPhase, Short: "drain the nodes", Hosts: drains,
			After: []workflow.Dependency{{Phase: cordonPhase}}, // otherwise pods move to nodes that are drained next
			Plan:  r.planDrain,
		},
		r.leaveEtcdPhase(),
		{
			Name: deleteNodePhase, Short: "remove the nodes from the cluster",
			Plan: r.planDeleteNode,
		},
		reset,
	}
}

// leaveEtcdPhase returns the phase that removes control plane hosts from etcd. They leave one at a time, because each
// removal changes the quorum that the next one needs.
func (r *run) leaveEtcdPhase() workflow.Phase {
	return workflow.Phase{
		Name: leaveEtcdPhase, Short: "remove control plane nodes from etcd, one at a time",
		Hosts:       func(host netip.Addr) bool { return r.s.Host(host).ControlPlane },
		MaxParallel: 1,
		Plan:        r.planLeaveEtcd,
	}
}

// node returns the Node of a host and a client of its cluster, or nil if there is no cluster or no such Node. It returns an
// error if a Node has the host's name but another host's address: that one must not be drained or deleted.
func (r *run) node(ctx context.Context, host netip.Addr) (*kube.Client, *kube.Node, error) {
	client, err := r.s.API.Client(ctx)
	if errors.Is(err, session.ErrNoCluster) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cannot ask the cluster: %w", err)
	}
	name := r.s.Host(host).NodeFacts().Name
	node, found, err := client.FindNode(ctx, name)
	if err != nil || !found {
		return nil, nil, err
	}
	if node.K8sIP.IsValid() && node.K8sIP != r.s.Host(host).K8sIP {
		return nil, nil, fmt.Errorf("node %s has the address %s in the cluster: it is another host's", name, node.K8sIP)
	}
	return client, &node, nil
}

// planCordon marks the node as unschedulable.
func (r *run) planCordon(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
	client, node, err := r.node(ctx, host.Address())
	if node == nil || node.Unschedulable || err != nil {
		return nil, err
	}
	return []workflow.Action{{
		Summary: "cordon node " + node.Name,
		Do:      func(ctx context.Context, _ remote.Host) error { return client.Cordon(ctx, node.Name) },
	}}, nil
}

// planDrain evicts the node's pods, in one action that lists all of them.
func (r *run) planDrain(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
	client, node, err := r.node(ctx, host.Address())
	if node == nil || err != nil {
		return nil, err
	}
	pods, err := client.PodsToEvict(ctx, node.Name)
	if len(pods) == 0 || err != nil {
		return nil, err
	}
	drain := workflow.Action{
		Summary: "drain node " + node.Name,
		Do: func(ctx context.Context, _ remote.Host) error {
			return client.Evict(ctx, pods, node.Ready, r.options.DrainTimeout)
		},
	}
	for _, pod := range pods {
		drain.Changes = append(drain.Changes, workflow.Change{Summary: "evict pod " + pod.String()})
	}
	return []workflow.Action{drain}, nil
}

// planDeleteNode stops the kubelet and deletes the Node. The order matters: a running kubelet would register the Node
// again.
func (r *run) planDeleteNode(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
	client, node, err := r.node(ctx, host.Address())
	if err != nil && r.options.Force { // the host can be reset without the cluster
		r.note("%s may still be a node of the cluster: %v", host.Address(), err)
		return nil, nil
	}
	if node == nil || err != nil {
		return nil, err
	}
	return []workflow.Action{{
		Summary: "delete node " + node.Name,
		Do: func(ctx context.Context, host remote.Host) error {
			if err := runScript(ctx, host, "stop the kubelet", "stop_kubelet", nil); err != nil {
				return err
			}
			return client.DeleteNode(ctx, node.Name)
		},
	}}, nil
}
