package provision

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/internal/plural"
	"github.com/dualstrap/dualstrap/provision/etcd"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

func (r *resetRun) planLeaveEtcd(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
	actions, err := r.leaveEtcd(ctx, host.Address())
	if err != nil && r.options.Force {
		r.note("%s may still be a member of etcd: %v", host.Address(), err)
		return nil, nil
	}
	return actions, err
}

func (r *resetRun) leaveEtcd(ctx context.Context, host netip.Addr) ([]workflow.Action, error) {
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

// checkQuorum refuses to take so many members out of etcd that the rest could decide nothing.
func (r *resetRun) checkQuorum(ctx context.Context) error {
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
	count := memberCount{}
	for _, member := range members {
		leaves := slices.ContainsFunc(r.targets, func(target netip.Addr) bool { return r.isMember(member, target) })
		count.add(leaves, !member.Learner && client.Healthy(ctx, member))
	}
	return count.check()
}

// memberCount counts etcd's members, all and those that stay, and how many of each are healthy.
type memberCount struct{ total, healthy, remaining, remainingHealthy int }

func (t *memberCount) add(leaves, healthy bool) {
	t.total++
	if healthy {
		t.healthy++
	}
	if leaves {
		return
	}
	t.remaining++
	if healthy {
		t.remainingHealthy++
	}
}

// check refuses where etcd has no quorum now, so that it cannot let anybody go, or would have none then.
func (t *memberCount) check() error {
	switch {
	case t.remaining == t.total:
		return nil
	case t.remaining == 0:
		return &RefusedError{Reasons: []string{"no member would be left of etcd; to take back the whole cluster: dualstrap reset cluster"}}
	case t.healthy < etcd.Quorum(t.total):
		return refuseQuorum("etcd has no quorum: %d of %s are healthy", t.healthy, plural.Of(t.total, "member"))
	case t.remainingHealthy < etcd.Quorum(t.remaining):
		return refuseQuorum("etcd would lose its quorum: %d of the %s that stay are healthy, and it takes %d",
			t.remainingHealthy, plural.Of(t.remaining, "member"), etcd.Quorum(t.remaining))
	}
	return nil
}

func refuseQuorum(format string, args ...any) error {
	return &RefusedError{Reasons: []string{fmt.Sprintf(format, args...) + "; bring the others back first, or use --force"}}
}
