package step

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/provision/etcd"
	"github.com/dualstrap/dualstrap/provision/session"
)

const (
	etcdCertificates = "/etc/kubernetes/pki/etcd/"
	// etcdCertificate is the path of the certificate, without its suffix, that kubeadm makes for health checks. etcd
	// grants full access to every client certificate that its certificate authority has signed.
	etcdCertificate = etcdCertificates + "healthcheck-client"
	etcdPort        = 2379
)

// Etcd returns a client of the cluster's etcd. It connects through a joined control plane node that does not leave the
// cluster in this run. The caller must close it. The error is session.ErrNoCluster if there is no such node.
func Etcd(ctx context.Context, s *session.Session) (*etcd.Client, error) {
	host, err := s.API.JoinedControlPlane(ctx)
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
	through := netip.AddrPortFrom(s.Host(host.Address()).K8sIP, etcdPort)
	credentials := etcd.Credentials{CA: pems[0], Certificate: pems[1], Key: pems[2]}
	return etcd.New(through, credentials, func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		return s.Connections.Dial(ctx, host.Address(), to)
	})
}

// MemberOf returns the etcd member on a host, and a client that the caller must close. The client is nil if the host is
// not a member, or if there is no cluster.
func MemberOf(ctx context.Context, s *session.Session, host netip.Addr) (*etcd.Client, etcd.Member, error) {
	client, err := Etcd(ctx, s)
	if errors.Is(err, session.ErrNoCluster) {
		return nil, etcd.Member{}, nil
	}
	if err != nil {
		return nil, etcd.Member{}, err
	}
	members, err := client.Members(ctx)
	at := slices.IndexFunc(members, func(m etcd.Member) bool { return IsMember(s, m, host) })
	if at < 0 || err != nil {
		client.Close()
		return nil, etcd.Member{}, err
	}
	return client, members[at], nil
}

// IsMember reports whether an etcd member runs on a host. Names do not tell: they are empty before the first start.
func IsMember(s *session.Session, member etcd.Member, host netip.Addr) bool {
	return slices.Contains(member.Addresses, s.Host(host).K8sIP)
}

// removeEtcdMember removes a host from etcd before its data is removed. Otherwise the member would count for the quorum
// for ever, and the host could not become a member again.
func removeEtcdMember(ctx context.Context, s *session.Session, host netip.Addr) error {
	client, member, err := MemberOf(ctx, s, host)
	if client == nil || err != nil {
		return err
	}
	defer client.Close()
	return client.Remove(ctx, member)
}

// removeStaleEtcdMembers removes the members on hosts that are not control plane nodes, before a host joins: etcd allows
// only one learner at a time, and the learner of an interrupted join would block all others.
func removeStaleEtcdMembers(ctx context.Context, s *session.Session) error {
	// Hosts that are about to join are not members yet, so their removal does nothing.
	nodes := s.API.JoinedControlPlanes()
	for _, host := range s.ControlPlanes() {
		if slices.Contains(nodes, host) {
			continue
		}
		if err := removeEtcdMember(ctx, s, host); err != nil {
			return err
		}
	}
	return nil
}
