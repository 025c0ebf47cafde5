package provision

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/internal/amount"
	"github.com/dualstrap/dualstrap/provision/etcd"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

const (
	etcdCertificates = "/etc/kubernetes/pki/etcd/"
	// etcdCertificate is kubeadm's for whoever looks whether etcd is well: as any client's that etcd's
	// certificate authority has signed, it may do everything.
	etcdCertificate = etcdCertificates + "healthcheck-client"
	etcdPort        = 2379
)

// etcd gives a client of the cluster's etcd, by way of a control plane node that stays.
func (r *resetting) etcd(ctx context.Context) (*etcd.Client, error) {
	host, err := r.access.member(ctx)
	if err != nil {
		return nil, err
	}
	var pems [3][]byte
	for i, path := range []string{etcdCertificates + "ca.crt", etcdCertificate + ".crt", etcdCertificate + ".key"} {
		if pems[i], err = host.ReadFile(ctx, path); err != nil {
			return nil, err
		}
	}
	through := netip.AddrPortFrom(r.index[host.Address()].K8sIP, etcdPort)
	credentials := etcd.Credentials{CA: pems[0], Certificate: pems[1], Key: pems[2]}
	return etcd.New(through, credentials, func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		return r.pool.Dial(ctx, host.Address(), to)
	})
}

// memberOf finds a host among etcd's members.
func (r *resetting) memberOf(members []etcd.Member, host netip.Addr) (etcd.Member, bool) {
	at := slices.IndexFunc(members, func(m etcd.Member) bool { return slices.Contains(m.Addresses, r.index[host].K8sIP) })
	if at < 0 {
		return etcd.Member{}, false
	}
	return members[at], true
}

func (r *resetting) planLeaveEtcd(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
	actions, err := r.leaveEtcd(ctx, host.Address())
	if err != nil && r.options.Force {
		r.note("%s may still be a member of etcd: %v", host.Address(), err)
		return nil, nil
	}
	return actions, err
}

func (r *resetting) leaveEtcd(ctx context.Context, host netip.Addr) ([]workflow.Action, error) {
	client, err := r.etcd(ctx)
	if errors.Is(err, errNoCluster) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	members, err := client.Members(ctx)
	if err != nil {
		return nil, err
	}
	member, found := r.memberOf(members, host)
	if !found {
		return nil, nil
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
		leaves := slices.ContainsFunc(r.targets, func(target netip.Addr) bool {
			return slices.Contains(member.Addresses, r.index[target].K8sIP)
		})
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
