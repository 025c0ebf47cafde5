package serving

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	certificatesv1 "k8s.io/api/certificates/v1"
)

// The user names of nodes begin with userPrefix, and their group is nodesGroup
// (https://kubernetes.io/docs/reference/access-authn-authz/node/).
const (
	userPrefix = "system:node:"
	nodesGroup = "system:nodes"
)

// Request describes the certificate that a kubelet asks for. Only Node is authenticated; the other fields must be checked.
type Request struct {
	// Node is the name of the node whose certificate made the request.
	Node string
	// DNSNames and Addresses are the subject alternative names that the certificate would have.
	DNSNames  []string
	Addresses []netip.Addr
}

// Parse parses a request, and checks that it has the form of a kubelet's: a node makes it, in its own name, for a
// server certificate, and with DNS names and IP addresses only. The error says what is wrong with it.
func Parse(spec *certificatesv1.CertificateSigningRequestSpec) (Request, error) {
	if spec.SignerName != certificatesv1.KubeletServingSignerName {
		return Request{}, fmt.Errorf("its signer is %q, which is not for kubelets' serving certificates", spec.SignerName)
	}
	node, isNode := strings.CutPrefix(spec.Username, userPrefix)
	if !isNode || node == "" || !slices.Contains(spec.Groups, nodesGroup) {
		return Request{}, fmt.Errorf("%q, which made it, is not a node", spec.Username)
	}
	request, err := parsePEM(spec.Request)
	if err != nil {
		return Request{}, err
	}
	if err := checkSubject(request, spec.Username); err != nil {
		return Request{}, err
	}
	if err := checkUsages(request, spec.Usages); err != nil {
		return Request{}, err
	}
	return parseNames(node, request)
}

// parsePEM parses the only PEM block of a request, and verifies that the requester has the private key.
func parsePEM(content []byte) (*x509.CertificateRequest, error) {
	block, rest := pem.Decode(content)
	switch {
	case block == nil || block.Type != "CERTIFICATE REQUEST":
		return nil, errors.New("it is not a certificate request in PEM")
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("there is more in it than one certificate request")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("its certificate request cannot be read: %w", err)
	}
	if err := request.CheckSignature(); err != nil {
		return nil, fmt.Errorf("its certificate request is not signed with its own key: %w", err)
	}
	return request, nil
}

// checkSubject requires the subject of a kubelet's request: the node's user name and group, and nothing else. Clients
// that read the subject of a certificate would take it for that of the node.
func checkSubject(request *x509.CertificateRequest, username string) error {
	subject := request.Subject
	switch {
	case subject.CommonName != username:
		return fmt.Errorf("its common name is %q, and %s made it", subject.CommonName, username)
	case !slices.Equal(subject.Organization, []string{nodesGroup}):
		return fmt.Errorf("its organizations are %q, and not %s alone", subject.Organization, nodesGroup)
	case len(subject.Names) != 2:
		return fmt.Errorf("its subject has more in it than a common name and an organization: %s", subject)
	}
	return nil
}

// checkUsages requires the usages of a server certificate. Key encipherment is allowed for RSA keys, which kubelets ask
// for with those only.
func checkUsages(request *x509.CertificateRequest, usages []certificatesv1.KeyUsage) error {
	wanted := []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth}
	asked := slices.Clone(usages)
	slices.Sort(asked)
	if request.PublicKeyAlgorithm == x509.RSA {
		asked = slices.DeleteFunc(asked, func(usage certificatesv1.KeyUsage) bool { return usage == certificatesv1.UsageKeyEncipherment })
	}
	if !slices.Equal(slices.Compact(asked), wanted) {
		return fmt.Errorf("its usages are %q, and not those of a server with its kind of key", usages)
	}
	return nil
}

// parseNames returns the DNS names and addresses of a request, and rejects subject alternative names of other types.
func parseNames(node string, request *x509.CertificateRequest) (Request, error) {
	switch {
	case len(request.EmailAddresses) > 0:
		return Request{}, fmt.Errorf("it is for e-mail addresses: %q", request.EmailAddresses)
	case len(request.URIs) > 0:
		return Request{}, fmt.Errorf("it is for URIs: %q", request.URIs)
	case len(request.DNSNames)+len(request.IPAddresses) == 0:
		return Request{}, errors.New("it is for no DNS name and no address")
	}
	parsed := Request{Node: node, DNSNames: request.DNSNames}
	for _, bytes := range request.IPAddresses {
		address, ok := netip.AddrFromSlice(bytes)
		if !ok {
			return Request{}, fmt.Errorf("it is for an address of %d bytes", len(bytes))
		}
		parsed.Addresses = append(parsed.Addresses, address.Unmap()) // the signer unmaps addresses, too
	}
	return parsed, nil
}
