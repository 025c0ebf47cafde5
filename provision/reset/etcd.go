package reset

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/internal/plural"
	"github.com/dualstrap/dualstrap/provision/etcd"
	"github.com/dualstrap/dualstrap/provision/refusal"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/step"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// planLeaveEtcd plans the removal of a host from etcd. With Force, a failure becomes a note.
func (r *run) planLeaveEtcd(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
	actions, err := r.leaveEtcd(ctx, host.Address())
	if err != nil && r.options.Force {
		r.note("%s may still be a member of etcd: %v", host.Address(), err)
		return nil, nil
	}
	return actions, err
}

// leaveEtcd returns the action that removes a host from etcd, or none if the host is not a member. The action closes the
// client.
func (r *run) leaveEtcd(ctx context.Context, host netip.Addr) ([]workflow.Action, error) {
	client, member, err := step.MemberOf(ctx, r.s, host)
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

// checkQuorum returns a [refusal.Error] if etcd would lose its quorum when the hosts leave, or has none that could remove
// them. It does not apply to the whole cluster, to workers, and with Force.
func (r *run) checkQuorum(ctx context.Context) error {
	isControlPlane := func(address netip.Addr) bool { return r.s.Host(address).ControlPlane }
	if r.options.Force || r.options.wholeCluster() || !slices.ContainsFunc(r.targets, isControlPlane) {
		return nil
	}
	client, err := step.Etcd(ctx, r.s)
	if errors.Is(err, session.ErrNoCluster) { // no etcd has been initialized
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
	// Members on hosts outside the manifests count as remaining.
	count := memberCount{}
	for _, member := range members {
		leaves := slices.ContainsFunc(r.targets, func(target netip.Addr) bool { return step.IsMember(r.s, member, target) })
		count.add(leaves, !member.Learner && client.Healthy(ctx, member))
	}
	return count.check()
}

// memberCount counts all members of etcd and those that remain, and how many of each are healthy. Learners count as not
// healthy, because they have no vote.
type memberCount struct{ total, healthy, remaining, remainingHealthy int }

// add counts a member.
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

// check returns a [refusal.Error] if etcd has no quorum now, which it needs to remove a member, or would have none after the
// removal.
func (t *memberCount) check() error {
	switch {
	case t.remaining == t.total: // none of the hosts is a member
		return nil
	case t.remaining == 0:
		return refusal.Because("no member would be left of etcd; to reset the whole cluster: dualstrap reset cluster")
	case t.healthy < etcd.Quorum(t.total):
		return refuseQuorum("etcd has no quorum: %d of %s are healthy", t.healthy, plural.Of(t.total, "member"))
	case t.remainingHealthy < etcd.Quorum(t.remaining):
		return refuseQuorum("etcd would lose its quorum: %d of the %s that stay are healthy, and it takes %d",
			t.remainingHealthy, plural.Of(t.remaining, "member"), etcd.Quorum(t.remaining))
	}
	return nil
}

// refuseQuorum returns a [refusal.Error] with a formatted reason and the ways to solve it.
func refuseQuorum(format string, args ...any) error {
	return refusal.Because(fmt.Sprintf(format, args...) + "; bring the others back first, or use --force")
}
