package provision

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/provision/etcd"
)

const (
	etcdCertificates = "/etc/kubernetes/pki/etcd/"
	// etcdCertificate is kubeadm's for whoever looks whether etcd is well: as any client's that etcd's
	// certificate authority has signed, it may do everything.
	etcdCertificate = etcdCertificates + "healthcheck-client"
	etcdPort        = 2379
)

// etcd gives a client of the cluster's etcd, by way of a control plane node that stays.
func (s *Session) etcd(ctx context.Context) (*etcd.Client, error) {
	host, err := s.api.joinedControlPlane(ctx)
	if err != nil {
		return nil, err
	}
	var pems [3][]byte
	for i, path := range []string{etcdCertificates + "ca.crt", etcdCertificate + ".crt", etcdCertificate + ".key"} {
		if pems[i], err = host.ReadFile(ctx, path); err != nil {
			return nil, err
		}
	}
	through := netip.AddrPortFrom(s.index[host.Address()].K8sIP, etcdPort)
	credentials := etcd.Credentials{CA: pems[0], Certificate: pems[1], Key: pems[2]}
	return etcd.New(through, credentials, func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		return s.pool.Dial(ctx, host.Address(), to)
	})
}

// memberOf finds a host among etcd's members, and gives a client that is to be closed. There is none where the host is
// no member, or nothing is a cluster yet.
func (s *Session) memberOf(ctx context.Context, host netip.Addr) (*etcd.Client, etcd.Member, error) {
	client, err := s.etcd(ctx)
	if errors.Is(err, errNoCluster) {
		return nil, etcd.Member{}, nil
	}
	if err != nil {
		return nil, etcd.Member{}, err
	}
	members, err := client.Members(ctx)
	at := slices.IndexFunc(members, func(m etcd.Member) bool { return s.isMember(m, host) })
	if at < 0 || err != nil {
		client.Close()
		return nil, etcd.Member{}, err
	}
	return client, members[at], nil
}

// isMember reports whether a member of etcd is the one on a host.
func (s *Session) isMember(member etcd.Member, host netip.Addr) bool {
	return slices.Contains(member.Addresses, s.index[host].K8sIP)
}

// removeEtcdMember takes a host out of etcd whose data is about to be removed: etcd would go on to count on it, and it could
// not be a member again.
func (s *Session) removeEtcdMember(ctx context.Context, host netip.Addr) error {
	client, member, err := s.memberOf(ctx, host)
	if client == nil || err != nil {
		return err
	}
	defer client.Close()
	return client.Remove(ctx, member)
}

// removeStaleEtcdMembers takes out of etcd whoever is no control plane node, before one becomes one: etcd has one learner at a
// time, and that of a join that was cut off would be in the way of all others.
func (s *Session) removeStaleEtcdMembers(ctx context.Context) error {
	nodes := s.api.joinedControlPlanes()
	for _, host := range s.controlPlanes() {
		if slices.Contains(nodes, host) {
			continue
		}
		if err := s.removeEtcdMember(ctx, host); err != nil {
			return err
		}
	}
	return nil
}
