package provision

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/internal/amount"
	"github.com/dualstrap/dualstrap/provision/etcd"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

func (r *resetting) planLeaveEtcd(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
	actions, err := r.leaveEtcd(ctx, host.Address())
	if err != nil && r.options.Force {
		r.note("%s may still be a member of etcd: %v", host.Address(), err)
		return nil, nil
	}
	return actions, err
}

func (r *resetting) leaveEtcd(ctx context.Context, host netip.Addr) ([]workflow.Action, error) {
	client, member, err := r.memberOf(ctx, host)
	if client == nil || err != nil {
		return nil, err
	}
	return []workflow.Action{{
		Summary: "take the host out of etcd",
		Do: func(ctx context.Context, host remote.Host) error {
			defer client.Close()
			err := client.Remove(ctx, member)
			if err != nil && r.options.Force {
				r.note("%s may still be a member of etcd: %v", host.Address(), err)
				return nil
			}
			return err
		},
	}}, nil
}

// mindQuorum refuses to take so many members out of etcd that the rest could decide nothing.
func (r *resetting) mindQuorum(ctx context.Context) error {
	isControlPlane := func(address netip.Addr) bool { return r.index[address].ControlPlane }
	if r.options.Force || r.options.wholeCluster() || !slices.ContainsFunc(r.targets, isControlPlane) {
		return nil
	}
	client, err := r.etcd(ctx)
	if errors.Is(err, errNoCluster) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot tell whether etcd would keep its quorum: %w", err)
	}
	defer client.Close()
	members, err := client.Members(ctx)
	if err != nil {
		return fmt.Errorf("cannot tell whether etcd would keep its quorum: %w", err)
	}
	count := tally{}
	for _, member := range members {
		leaves := slices.ContainsFunc(r.targets, func(target netip.Addr) bool { return r.isMember(member, target) })
		count.add(leaves, !member.Learner && client.Healthy(ctx, member))
	}
	return count.judge()
}

// tally counts etcd's members, all and those that stay, and how many of each are healthy.
type tally struct{ all, healthy, staying, stayingHealthy int }

func (t *tally) add(leaves, healthy bool) {
	t.all++
	if healthy {
		t.healthy++
	}
	if leaves {
		return
	}
	t.staying++
	if healthy {
		t.stayingHealthy++
	}
}

// judge refuses where etcd has no quorum now, so that it cannot let anybody go, or would have none then.
func (t *tally) judge() error {
	switch {
	case t.staying == t.all:
		return nil
	case t.staying == 0:
		return &RefusedError{Reasons: []string{"no member would be left of etcd; to take back the whole cluster: dualstrap reset cluster"}}
	case t.healthy < etcd.Quorum(t.all):
		return refuseQuorum("etcd has no quorum: %d of %s are healthy", t.healthy, amount.Of(t.all, "member"))
	case t.stayingHealthy < etcd.Quorum(t.staying):
		return refuseQuorum("etcd would lose its quorum: %d of the %s that stay are healthy, and it takes %d",
			t.stayingHealthy, amount.Of(t.staying, "member"), etcd.Quorum(t.staying))
	}
	return nil
}

func refuseQuorum(format string, args ...any) error {
	return &RefusedError{Reasons: []string{fmt.Sprintf(format, args...) + "; bring the others back first, or use --force"}}
}
