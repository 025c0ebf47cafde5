package signature_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"github.com/dualstrap/dualstrap/bundle/signature"
)

const message = `{"schemaVersion": 1}`

// now is the time at which all signatures of these tests are verified.
func now() time.Time { return time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC) }

func newKey(t *testing.T) (ssh.Signer, ed25519.PrivateKey) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signerOf(t, private), private
}

func signerOf(t *testing.T, private crypto.Signer) ssh.Signer {
	t.Helper()
	signer, err := ssh.NewSignerFromSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// public returns a key in the notation of files.
func public(signer ssh.Signer) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

func sign(t *testing.T, signer ssh.Signer) []byte {
	t.Helper()
	signed, err := signature.Sign([]byte(message), signer)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// verify verifies a signature with the text of a file of allowed signers.
func verify(signed []byte, signers string) (signature.Signer, error) {
	allowed, err := signature.ParseAllowed("signers", []byte(signers))
	if err != nil {
		return signature.Signer{}, err
	}
	return signature.Verify([]byte(message), signed, allowed, now())
}

func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	keys := map[string]crypto.Signer{}
	var err error
	for name, curve := range map[string]elliptic.Curve{
		ssh.KeyAlgoECDSA256: elliptic.P256(), ssh.KeyAlgoECDSA384: elliptic.P384(), ssh.KeyAlgoECDSA521: elliptic.P521(),
	} {
		if keys[name], err = ecdsa.GenerateKey(curve, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	if keys[ssh.KeyAlgoRSA], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	_, keys[ssh.KeyAlgoED25519] = newKey(t)
	for kind, key := range keys {
		signer := signerOf(t, key)
		who, err := verify(sign(t, signer), "ann@example.com "+public(signer))
		want := signature.Signer{Principal: "ann@example.com", KeyType: kind, Fingerprint: ssh.FingerprintSHA256(signer.PublicKey())}
		if err != nil || who != want {
			t.Errorf("%s: %v, %v, want %v", kind, who, err, want)
		}
	}
}

// TestHostileSignatures tries signatures of other content, purposes and signers, and data that is not a signature.
func TestHostileSignatures(t *testing.T) {
	t.Parallel()
	signer, _ := newKey(t)
	other, _ := newKey(t)
	signed, signers := sign(t, signer), "ann "+public(signer)
	block, _ := pem.Decode(signed)
	encoded := func(change func([]byte) []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: change(append([]byte{}, block.Bytes...))})
	}
	elsewhere, err := sshsig.Sign(strings.NewReader(message), signer, sshsig.HashSHA512, "git")
	if err != nil {
		t.Fatal(err)
	}
	another, err := sshsig.Sign(strings.NewReader(message+" "), signer, sshsig.HashSHA256, signature.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weakly, err := sshsig.Sign(strings.NewReader(message), signerOf(t, weak), sshsig.HashSHA512, signature.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		signed []byte
		want   string
	}{
		"nothing":             {nil, "does not begin with -----BEGIN SSH SIGNATURE-----"},
		"something else":      {[]byte(public(signer)), "does not begin with"},
		"another PEM":         {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: block.Bytes}), "does not begin with"},
		"text before it":      {append([]byte("see:\n"), signed...), "does not begin with"},
		"two of them":         {append(append([]byte{}, signed...), signed...), "there is other data next to it"},
		"an empty one":        {encoded(func([]byte) []byte { return nil }), "cannot be read"},
		"half of it":          {encoded(func(b []byte) []byte { return b[:len(b)/2] }), "cannot be read"},
		"one byte more":       {encoded(func(b []byte) []byte { return append(b, 0) }), "cannot be read"},
		"another version":     {encoded(func(b []byte) []byte { b[9] = 2; return b }), "cannot be read"},
		"another last byte":   {encoded(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), "does not match the content"},
		"another namespace":   {sshsig.Armor(elsewhere), `the signature is for "git", not for dualstrap-bundle`},
		"another content":     {sshsig.Armor(another), "does not match the content"},
		"somebody else's key": {sign(t, other), "is not allowed by signers: no line allows it"},
		"a weak key":          {sshsig.Armor(weakly), "an RSA key of 1024 bits is too weak"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who, err := verify(test.signed, signers)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, %v, want %q", who, err, test.want)
			}
		})
	}
	if _, err := verify(signed, signers); err != nil {
		t.Errorf("what all of them were made of: %v", err)
	}
	if _, err := signature.Sign([]byte(message), signerOf(t, weak)); err == nil {
		t.Error("a weak key signs")
	}
}

func TestAllowedSigners(t *testing.T) {
	t.Parallel()
	signer, _ := newKey(t)
	other, _ := newKey(t)
	key, signed := public(signer), sign(t, signer)
	for _, test := range []struct{ signers, want string }{
		{"ann " + key, "ann"},
		{"ann,bob@* " + key + " a comment", "ann,bob@*"},
		{`"ann, who builds" ` + key, "ann, who builds"},
		{"\n# a comment\n\tann\t" + key + "\r\n", "ann"},
		{"bob " + public(other) + "\nann " + key, "ann"},
		{`ann namespaces="dualstrap-*" ` + key, "ann"},
		{`ann namespaces="git,dualstrap-bundle" ` + key, "ann"},
		{`ann NAMESPACES="dualstrap-bundle",valid-after="20260101",valid-before="20270101" ` + key, "ann"},
		{`ann valid-after="20260601115959Z",valid-before="202606011201Z" ` + key, "ann"},
		{`ann namespaces="git" ` + key + "\nann " + key, "ann"},
	} {
		who, err := verify(signed, test.signers)
		if err != nil || who.Principal != test.want {
			t.Errorf("%.100q: %q, %v, want %q", strings.ReplaceAll(test.signers, key, "KEY"), who.Principal, err, test.want)
		}
	}
}

// TestHostileAllowedSigners tries invalid files of allowed signers, and valid ones that do not allow the signer.
func TestHostileAllowedSigners(t *testing.T) {
	t.Parallel()
	signer, _ := newKey(t)
	other, _ := newKey(t)
	key, signed := public(signer), sign(t, signer)
	for _, test := range []struct{ signers, want string }{
		{`ann namespaces="git" ` + key, "line 1 allows it for other namespaces than dualstrap-bundle"},
		{`ann namespaces="*,!dualstrap-bundle" ` + key, "line 1 allows it for other namespaces"},
		{`ann valid-after="20260601120001Z" ` + key, "line 1 allows it only after 2026-06-01T12:00:01Z"},
		{`ann valid-before="20260601115959Z" ` + key, "line 1 allowed it only before 2026-06-01T11:59:59Z"},
		{"ann cert-authority " + key, "no line allows it"},
		{"bob " + public(other), "is not allowed by signers: no line allows it"},
		{"", "it has no signer"},
		{"# ann " + key, "it has no signer"},
		{key, "line 1: it must be of the form PRINCIPALS [OPTIONS] KEYTYPE KEY"},
		{"ann " + key + "\ngarbage", "line 2: it must be of the form PRINCIPALS"},
		{"ann " + key + "\n\x00\xff", "line 2: it must be of the form PRINCIPALS"},
		{"ann ssh-ed25519 AAAA", "line 1: it must be of the form PRINCIPALS"},
		{"ann " + key[:len(key)-8], "line 1: it must be of the form PRINCIPALS"},
		{`"ann ` + key, "the closing quote is missing"},
		{"@revoked " + key, "has no markers such as @revoked: to revoke a key, remove its line"},
		{"@revoked * " + key, "has no markers such as @revoked"},
		{`ann no-touch-required ` + key, "the option no-touch-required is not one of"},
		{`ann principals="bob" ` + key, "the option principals is unknown"},
		{`ann cert-authority="yes" ` + key, "the option cert-authority is unknown"},
		{`ann namespaces ` + key, "the option namespaces is not one of"},
		{`ann namespaces="" ` + key, "the option namespaces is empty"},
		{`ann namespaces=dualstrap-bundle ` + key, "the option namespaces is not one of"},
		{`ann valid-before="tomorrow" ` + key, `"tomorrow" is not a time`},
		{`ann valid-before="20261301" ` + key, `"20261301" is not a time`},
		{`ann valid-before="20260101",valid-before="20290101" ` + key, "the option valid-before is set twice"},
		{`ann valid-after="20270101",valid-before="20260101" ` + key, "valid-after is not before valid-before"},
	} {
		name := strings.NewReplacer(key, "KEY", public(other), "OTHER").Replace(test.signers)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if who, err := verify(signed, test.signers); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, %v, want %q", who, err, test.want)
			}
		})
	}
}

// soundCertificate creates a key and a valid certificate of an authority for it, with one change.
func soundCertificate(t *testing.T, authority ssh.Signer, change func(*ssh.Certificate)) (ssh.Certificate, ssh.Signer) {
	t.Helper()
	signer, _ := newKey(t)
	cert := ssh.Certificate{
		Key: signer.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{"root", "ann@example.com"},
		ValidAfter: year(2026), ValidBefore: year(2027),
	}
	change(&cert)
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	return cert, signer
}

func year(n int) uint64 { return uint64(time.Date(n, 1, 1, 0, 0, 0, 0, time.UTC).Unix()) } // after 1970

// certified signs with a key that has a certificate.
func certified(t *testing.T, cert *ssh.Certificate, key ssh.Signer) []byte {
	t.Helper()
	signer, err := ssh.NewCertSigner(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return sign(t, signer)
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	authority, _ := newKey(t)
	cert, signer := soundCertificate(t, authority, func(*ssh.Certificate) {})
	who, err := verify(certified(t, &cert, signer), "*@example.com cert-authority "+public(authority))
	if err != nil || who.Principal != "ann@example.com" || who.KeyType != ssh.KeyAlgoED25519 {
		t.Errorf("%v, %v", who, err)
	}
}

// TestHostileSignerCertificates tries signatures by keys with certificates that are invalid, or invalid for this
// purpose.
func TestHostileSignerCertificates(t *testing.T) {
	t.Parallel()
	authority, _ := newKey(t)
	stranger, _ := newKey(t)
	same := func(*ssh.Certificate) {}
	const yes, no = "cert-authority", "does not allow its certificate"
	for name, test := range map[string]struct {
		change  func(*ssh.Certificate)
		signer  ssh.Signer
		options string
		want    string
	}{
		"expired":       {func(c *ssh.Certificate) { c.ValidBefore = year(2026) + 1 }, authority, yes, no},
		"not yet valid": {func(c *ssh.Certificate) { c.ValidAfter = year(2027) - 1 }, authority, yes, no},
		"of a host":     {func(c *ssh.Certificate) { c.CertType = ssh.HostCert }, authority, yes, "it is one of a host"},
		"for others": {func(c *ssh.Certificate) {
			c.ValidPrincipals = []string{"bob"}
		}, authority, yes, "its certificate is for bob"},
		"for one thing": {func(c *ssh.Certificate) {
			c.CriticalOptions = map[string]string{"x": "y"}
		}, authority, yes, no},
		"of nobody known":   {same, stranger, yes, "no line allows it"},
		"without the word":  {same, authority, `namespaces="*"`, "no line allows it"},
		"another namespace": {same, authority, `cert-authority,namespaces="git"`, "other namespaces"},
		"forged":            {same, authority, yes, no},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cert, signer := soundCertificate(t, test.signer, test.change)
			if name == "forged" { // change it after it has been signed
				cert.ValidPrincipals = []string{"admin@example.com"}
			}
			who, err := verify(certified(t, &cert, signer), fmt.Sprintf("*@example.com %s %s", test.options, public(authority)))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, %v, want %q", who, err, test.want)
			}
		})
	}
}
