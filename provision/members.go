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
	// etcdCertificate is the path of the certificate, without its suffix, that kubeadm makes for health checks. etcd
	// grants full access to every client certificate that its certificate authority has signed.
	etcdCertificate = etcdCertificates + "healthcheck-client"
	etcdPort        = 2379
)

// etcd returns a client of the cluster's etcd. It connects through a joined control plane node that does not leave the
// cluster in this run. The caller must close it. The error is errNoCluster if there is no such node.
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
	// kubeadm makes etcd listen on the node's Kubernetes address, and puts that into the serving certificate.
	through := netip.AddrPortFrom(s.index[host.Address()].K8sIP, etcdPort)
	credentials := etcd.Credentials{CA: pems[0], Certificate: pems[1], Key: pems[2]}
	return etcd.New(through, credentials, func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		return s.connections.Dial(ctx, host.Address(), to)
	})
}

// memberOf returns the etcd member on a host, and a client that the caller must close. The client is nil if the host is
// not a member, or if there is no cluster.
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

// isMember reports whether an etcd member runs on a host. Names do not tell: they are empty before the first start.
func (s *Session) isMember(member etcd.Member, host netip.Addr) bool {
	return slices.Contains(member.Addresses, s.index[host].K8sIP)
}

// removeEtcdMember removes a host from etcd before its data is removed. Otherwise the member would count for the quorum
// for ever, and the host could not become a member again.
func (s *Session) removeEtcdMember(ctx context.Context, host netip.Addr) error {
	client, member, err := s.memberOf(ctx, host)
	if client == nil || err != nil {
		return err
	}
	defer client.Close()
	return client.Remove(ctx, member)
}

// removeStaleEtcdMembers removes the members on hosts that are not control plane nodes, before a host joins: etcd allows
// only one learner at a time, and the learner of an interrupted join would block all others.
func (s *Session) removeStaleEtcdMembers(ctx context.Context) error {
	// Hosts that are about to join are not members yet, so their removal does nothing.
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
