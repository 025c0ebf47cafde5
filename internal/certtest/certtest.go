// Package certtest creates certificate authorities, and certificates that they sign, for tests.
package certtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/netip"
	"testing"
	"time"
)

// Authority is a certificate authority.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// New returns an authority with a new key and a self-signed certificate, which is valid for an hour.
func New(tb testing.TB) Authority {
	tb.Helper()
	certificate, key := issue(tb, Authority{}, &x509.Certificate{IsCA: true})
	return Authority{certificate, key}
}

// PEM returns the authority's certificate.
func (a Authority) PEM() []byte { return encode("CERTIFICATE", a.certificate.Raw) }

// KeyPEM returns the authority's private key.
func (a Authority) KeyPEM(tb testing.TB) []byte {
	tb.Helper()
	return encodeKey(tb, a.key)
}

// Issue returns a certificate and its key in PEM. It has the subject of a cluster's administrator, and names, DNS names
// and addresses, for which it is a server certificate as well.
func (a Authority) Issue(tb testing.TB, names ...string) (certificate, key []byte) {
	tb.Helper()
	template := &x509.Certificate{}
	for _, name := range names {
		if address, err := netip.ParseAddr(name); err == nil {
			template.IPAddresses = append(template.IPAddresses, address.AsSlice())
			continue
		}
		template.DNSNames = append(template.DNSNames, name)
	}
	issued, private := issue(tb, a, template)
	return encode("CERTIFICATE", issued.Raw), encodeKey(tb, private)
}

// IssueTo returns a client certificate and its key in PEM, with which Kubernetes authenticates the user as a member of
// the groups.
func (a Authority) IssueTo(tb testing.TB, user string, groups ...string) (certificate, key []byte) {
	tb.Helper()
	issued, private := issue(tb, a, &x509.Certificate{
		Subject: pkix.Name{CommonName: user, Organization: groups}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return encode("CERTIFICATE", issued.Raw), encodeKey(tb, private)
}

// issue completes the template and signs it with the authority, or with the certificate's own key for the zero
// Authority. It returns the certificate and its key.
func issue(tb testing.TB, by Authority, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1)
	if template.Subject.CommonName == "" {
		template.Subject = pkix.Name{CommonName: "kubernetes", Organization: []string{"system:masters"}}
	}
	// An hour of validity on either side allows for clocks that differ, in containers of the lab for example.
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	template.BasicConstraintsValid = true
	// A self-signed certificate is its own issuer.
	if by.key == nil {
		by = Authority{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.certificate, key.Public(), by.key)
	if err != nil {
		tb.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return certificate, key
}

// encode returns one PEM block.
func encode(block string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: block, Bytes: der})
}

// encodeKey returns a private key in PEM.
func encodeKey(tb testing.TB, key *ecdsa.PrivateKey) []byte {
	tb.Helper()
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return encode("EC PRIVATE KEY", der)
}
