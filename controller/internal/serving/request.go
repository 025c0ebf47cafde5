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

const (
	userPrefix = "system:node:"
	nodesGroup = "system:nodes"
)

// Request is what a kubelet asks for. Nothing of it is believed yet but the node's name.
type Request struct {
	// Node is the name of the node whose certificate made the request.
	Node string
	// DNSNames and Addresses are those that the certificate is to be for.
	DNSNames  []string
	Addresses []netip.Addr
}

// Parse reads a request, and holds it to the form that kubelets give theirs: it is made by a node, in its own name, for
// a server's certificate and for no other kind of name than DNS names and addresses. The error says what is wrong.
func Parse(spec *certificatesv1.CertificateSigningRequestSpec) (Request, error) {
	if spec.SignerName != certificatesv1.KubeletServingSignerName {
		return Request{}, fmt.Errorf("its signer is %q, which is not for kubelets' serving certificates", spec.SignerName)
	}
	node, isNode := strings.CutPrefix(spec.Username, userPrefix)
	if !isNode || node == "" || !slices.Contains(spec.Groups, nodesGroup) {
		return Request{}, fmt.Errorf("%q, who made it, is no node", spec.Username)
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

// parsePEM reads the one block that a request consists of.
func parsePEM(content []byte) (*x509.CertificateRequest, error) {
	block, rest := pem.Decode(content)
	switch {
	case block == nil || block.Type != "CERTIFICATE REQUEST":
		return nil, errors.New("it is no certificate request in PEM")
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

// checkUsages wants those of a server. Encipherment of keys goes with RSA alone.
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
		parsed.Addresses = append(parsed.Addresses, address.Unmap()) // the signer does the same
	}
	return parsed, nil
}
