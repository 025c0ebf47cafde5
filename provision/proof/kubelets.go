package proof

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/dualstrap/dualstrap/hostprep"
)

// kubeletPort is where kubelets listen for API servers.
const kubeletPort = 10250

// kubeletChecks are about what nodes' kubelets show to those who ask them.
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
	_, err = eventually(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.API.AskKubelet(ctx, on.node.live.Name)
	})
	if err != nil {
		return failed("the certificate is good, but API servers cannot ask the kubelet: %v", err)
	}
	return passed("signed by the cluster for %s, %s, until %s", on.node.live.Name, formatList(on.node.ownAddresses()),
		shown[0].NotAfter.UTC().Format(time.DateOnly))
}

// ownAddresses are those that a node's kubelet is asked at, IPv4 first.
func (n *node) ownAddresses() []netip.Addr {
	return []netip.Addr{n.k8sIP(), n.host.NodeFacts().IPv6.Addr()}
}

// presentedBy are the certificates that a node's kubelet shows. They are looked at later: what they are is the finding.
func (s *testbed) presentedBy(ctx context.Context, n *node) ([]*x509.Certificate, error) {
	conn, err := s.Ways.Dial(ctx, n.address(), netip.AddrPortFrom(n.k8sIP(), kubeletPort))
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // nothing was sent
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	asked := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	if err := asked.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("the kubelet shows no certificate: %w", err)
	}
	return asked.ConnectionState().PeerCertificates, nil
}

// checkPresented holds what a kubelet shows against the cluster's authority.
func (s *testbed) checkPresented(shown []*x509.Certificate, n *node) error {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(s.Admin.CA) {
		return errors.New("the cluster's certificate authority cannot be read")
	}
	names := []string{n.live.Name}
	for _, address := range n.ownAddresses() {
		names = append(names, address.String())
	}
	return checkCertificate(shown, roots, names)
}

// checkCertificate wants a server's certificate, the first of those shown, to be signed by one of the roots for all names.
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

// unsigned is the verdict about a kubelet that does not serve with a certificate of the cluster's, but with another one or
// with none. In a cluster whose kubelets are not told to ask for one there is nothing to prove.
func (s *testbed) unsigned(ctx context.Context, n *node, hasOther bool, why error) verdict {
	content, err := s.API.SystemConfig(ctx, "kubelet-config", "kubelet")
	if err != nil {
		return failed("%v", err)
	}
	if told := hostprep.ParseKubelet(content); hasOther && (told == nil || !told.ServerTLSBootstrap) {
		return skipped("the cluster's kubelets make the certificates that they serve with by themselves").
			withHint("docs/security.md says how a cluster that an older dualstrap has made gets signed ones")
	}
	state, err := s.API.ServingCertificate(ctx, n.live.Name)
	if err != nil {
		return failed("%v; %v", why, err)
	}
	return failed("%v; %s", why, state)
}
