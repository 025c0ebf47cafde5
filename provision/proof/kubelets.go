package proof

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/facts"
)

// kubeletPort is the port at which kubelets serve API servers.
const kubeletPort = 10250

// kubeletChecks returns the checks of the certificates that kubelets serve with.
func kubeletChecks() []Check {
	return []Check{{
		"kubelet-certificate", "Every kubelet serves with a certificate that the cluster's authority has signed for its node's name and " +
			"both addresses, and API servers get an answer from it.",
		"kubectl get certificatesigningrequests, and kubectl describe the one of the node",
		eachNode,
		[]requirement{requireHost, requireLiveNode},
		proveKubelet,
	}}
}

// proveKubelet checks the kubelet's certificate as a client in the nodes' network sees it, and then that API servers
// accept it.
func proveKubelet(ctx context.Context, s *testbed, on *subject) verdict {
	shown, err := eventually(ctx, func(ctx context.Context) ([]*x509.Certificate, error) { return s.presentedBy(ctx, on.node) })
	if err != nil && cannotForward(err) {
		return unanswered(err, "cannot ask the kubelet")
	}
	if err == nil {
		err = s.checkPresented(shown, on.node)
	}
	if err != nil {
		return s.unsigned(ctx, on.node, len(shown) > 0, err)
	}
	// The certificate may be valid and API servers still not trust it, with another --kubelet-certificate-authority.
	_, err = eventually(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.API.AskKubelet(ctx, on.node.live.Name)
	})
	if err != nil {
		return failed("the certificate is good, but API servers cannot ask the kubelet: %v", err)
	}
	return passed("signed by the cluster for %s, %s, until %s", on.node.live.Name, formatList(on.node.ownAddresses()),
		shown[0].NotAfter.UTC().Format(time.DateOnly))
}

// ownAddresses returns the addresses at which API servers reach the node's kubelet, IPv4 first.
func (n *node) ownAddresses() []netip.Addr {
	return []netip.Addr{n.k8sIP(), n.host.NodeFacts().IPv6.Addr()}
}

// presentedBy returns the certificates that the kubelet of a node presents. The handshake does not verify them, because
// the caller reports what is wrong with them.
func (s *testbed) presentedBy(ctx context.Context, n *node) ([]*x509.Certificate, error) {
	conn, err := s.Connections.Dial(ctx, n.address(), netip.AddrPortFrom(n.k8sIP(), kubeletPort))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	// Nothing is sent over this connection, and checkPresented verifies the certificates with a precise error.
	asked := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	if err := asked.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("the kubelet shows no certificate: %w", err)
	}
	return asked.ConnectionState().PeerCertificates, nil
}

// checkPresented verifies the certificates that a node's kubelet presents against the cluster's CA, for the node's name
// and both addresses.
func (s *testbed) checkPresented(shown []*x509.Certificate, n *node) error {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(s.Admin.CA) {
		return errors.New("the cluster's certificate authority cannot be read")
	}
	// API servers call a kubelet by an address of its Node, and clients in the nodes' network may use its name.
	names := []string{n.live.Name}
	for _, address := range n.ownAddresses() {
		names = append(names, address.String())
	}
	return checkCertificate(shown, roots, names)
}

// checkCertificate verifies that the first certificate is valid for all names and signed by one of the roots.
func checkCertificate(shown []*x509.Certificate, roots *x509.CertPool, names []string) error {
	if len(shown) == 0 {
		return errors.New("the kubelet shows no certificate")
	}
	for _, name := range names {
		if _, err := shown[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
			return err
		}
	}
	return nil
}

// unsigned returns the verdict for a kubelet that presents no certificate of the cluster's CA. hasOther says that it
// presents a different one. A cluster whose kubelets are not configured to request a certificate is skipped.
func (s *testbed) unsigned(ctx context.Context, n *node, hasOther bool, why error) verdict {
	content, err := s.API.SystemConfig(ctx, "kubelet-config", "kubelet")
	if err != nil {
		return failed("%v", err)
	}
	// Kubelets without serverTLSBootstrap use self-signed certificates. That is a setting of the cluster, not a defect.
	if told := facts.ParseKubelet(content); hasOther && (told == nil || !told.ServerTLSBootstrap) {
		return skipped("the cluster's kubelets use self-signed serving certificates").
			withHint("docs/security.md describes how a cluster that an older dualstrap created gets signed ones")
	}
	state, err := s.API.ServingCertificate(ctx, n.live.Name)
	if err != nil {
		return failed("%v; %v", why, err)
	}
	return failed("%v; %s", why, state)
}
