package serving_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"

	"github.com/dualstrap/dualstrap/controller/internal/serving"
	"github.com/dualstrap/dualstrap/internal/nodeaddress"
)

// asked builds a request: that of the kubelet of node worker, with the changes that a test makes.
type asked struct {
	template x509.CertificateRequest
	key      crypto.Signer
	spec     certificatesv1.CertificateSigningRequestSpec
	// write changes the request's PEM.
	write   func([]byte) []byte
	cluster serving.Cluster
}

// keys holds a key of each type, generated once per test.
type keys struct {
	ecdsa *ecdsa.PrivateKey
	rsa   *rsa.PrivateKey
}

func newKeys(t *testing.T) keys {
	t.Helper()
	elliptical, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	old, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return keys{elliptical, old}
}

func (k keys) good() *asked {
	return &asked{
		template: x509.CertificateRequest{
			Subject:  pkix.Name{CommonName: "system:node:worker", Organization: []string{"system:nodes"}},
			DNSNames: []string{"worker"},
		},
		key: k.ecdsa,
		spec: certificatesv1.CertificateSigningRequestSpec{
			SignerName: "kubernetes.io/kubelet-serving",
			Username:   "system:node:worker",
			Groups:     []string{"system:nodes", "system:authenticated"},
			Usages:     []certificatesv1.KeyUsage{"digital signature", "server auth"},
		},
		write: func(content []byte) []byte { return content },
		cluster: serving.Cluster{
			Node: &serving.Node{Name: "worker", Labels: map[string]string{
				nodeaddress.LabelIPv4: "10.2.0.5", nodeaddress.LabelIPv6: nodeaddress.Value(netip.MustParseAddr("fd12::2:5")),
			}},
			APIServers:    []string{"10.2.0.175", "fd12::4:175", "Api.Example.com"},
			ServiceRanges: []netip.Prefix{netip.MustParsePrefix("172.16.0.0/20"), netip.MustParsePrefix("fd12::5:0/116")},
		},
	}
}

func (a *asked) ask(addresses ...string) {
	a.template.IPAddresses = nil
	for _, address := range addresses {
		a.template.IPAddresses = append(a.template.IPAddresses, netip.MustParseAddr(address).AsSlice())
	}
}

// relabel changes the addresses of the node, and requests them.
func (a *asked) relabel(v4, v6 string) {
	a.cluster.Node.Labels[nodeaddress.LabelIPv4] = v4
	a.cluster.Node.Labels[nodeaddress.LabelIPv6] = nodeaddress.Value(netip.MustParseAddr(v6))
	a.ask(v4, v6)
}

// against returns the reason against the request, or "".
func (a *asked) against(t *testing.T) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &a.template, a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.spec.Request = a.write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	request, err := serving.Parse(&a.spec)
	if err == nil {
		err = serving.Check(request, a.cluster)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// rename changes the name of the node, of the user and in the request.
func (a *asked) rename(name string) {
	a.spec.Username = "system:node:" + name
	a.template.Subject.CommonName, a.template.DNSNames, a.cluster.Node.Name = a.spec.Username, []string{name}, name
}

func TestRequests(t *testing.T) {
	t.Parallel()
	keys := newKeys(t)
	for name, change := range map[string]func(*asked){
		"as kubelets ask":         func(*asked) {},
		"one family":              func(a *asked) { a.ask("10.2.0.5") },
		"the name alone":          func(a *asked) { a.ask() },
		"addresses alone":         func(a *asked) { a.template.DNSNames = nil },
		"a name twice":            func(a *asked) { a.template.DNSNames = []string{"worker", "worker"} },
		"IPv4 in IPv6":            func(a *asked) { a.ask("::ffff:10.2.0.5") },
		"an RSA key":              func(a *asked) { a.key = keys.rsa },
		"usages in another order": func(a *asked) { a.spec.Usages = []certificatesv1.KeyUsage{"server auth", "digital signature"} },
		"an RSA key that enciphers": func(a *asked) {
			a.key, a.spec.Usages = keys.rsa, append(a.spec.Usages, "key encipherment")
		},
		"a node of the control plane that API servers are named after": func(a *asked) {
			a.cluster.Node.Labels["node-role.kubernetes.io/control-plane"] = ""
			a.rename("api.example.com")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := keys.good()
			a.ask("10.2.0.5", "fd12::2:5")
			change(a)
			if got := a.against(t); got != "" {
				t.Errorf("what speaks against it is %q", got)
			}
		})
	}
}

// TestHostileServingRequests tries requests for more than a kubelet's own serving certificate, and malformed ones.
func TestHostileServingRequests(t *testing.T) {
	t.Parallel()
	keys := newKeys(t)
	for name, test := range map[string]struct {
		change func(*asked)
		// want is part of the reason against it.
		want string
	}{
		"another signer":         {func(a *asked) { a.spec.SignerName = "kubernetes.io/kube-apiserver-client-kubelet" }, "its signer is"},
		"a signer nobody knows":  {func(a *asked) { a.spec.SignerName = "example.com/kubelet-serving" }, "its signer is"},
		"another user":           {func(a *asked) { a.spec.Username = "system:admin" }, `"system:admin", which made it, is not a node`},
		"a user without a name":  {func(a *asked) { a.spec.Username = "system:node:" }, "is not a node"},
		"no group of nodes":      {func(a *asked) { a.spec.Groups = []string{"system:authenticated"} }, "is not a node"},
		"in another node's name": {func(a *asked) { a.spec.Username = "system:node:other" }, `its common name is "system:node:worker"`},
		"another common name":    {func(a *asked) { a.template.Subject.CommonName = "worker" }, `its common name is "worker"`},
		"one more organization": {func(a *asked) {
			a.template.Subject.Organization = []string{"system:nodes", "system:masters"}
		}, "not system:nodes alone"},
		"another organization": {func(a *asked) { a.template.Subject.Organization = []string{"system:masters"} }, "not system:nodes alone"},
		"no organization":      {func(a *asked) { a.template.Subject.Organization = nil }, "not system:nodes alone"},
		"a unit, too":          {func(a *asked) { a.template.Subject.OrganizationalUnit = []string{"admins"} }, "its subject has more in it"},

		"a client's usage": {func(a *asked) {
			a.spec.Usages = []certificatesv1.KeyUsage{"digital signature", "client auth"}
		}, "its usages are"},
		"a client's usage, too":   {func(a *asked) { a.spec.Usages = append(a.spec.Usages, "client auth") }, "its usages are"},
		"a usage too few":         {func(a *asked) { a.spec.Usages = a.spec.Usages[1:] }, "its usages are"},
		"no usages":               {func(a *asked) { a.spec.Usages = nil }, "its usages are"},
		"any usage":               {func(a *asked) { a.spec.Usages = append(a.spec.Usages, "any") }, "its usages are"},
		"signing of certificates": {func(a *asked) { a.spec.Usages = append(a.spec.Usages, "cert sign") }, "its usages are"},
		"an ECDSA key that enciphers": {func(a *asked) {
			a.spec.Usages = append(a.spec.Usages, "key encipherment")
		}, "not those of a server with its kind of key"},

		"another node's DNS name": {func(a *asked) {
			a.template.DNSNames = []string{"worker", "other"}
		}, `DNS name "other" is not that of node worker`},
		"a wildcard":               {func(a *asked) { a.template.DNSNames = []string{"*"} }, `DNS name "*"`},
		"a wildcard of the node":   {func(a *asked) { a.template.DNSNames = []string{"*.worker"} }, `DNS name "*.worker"`},
		"a name below the node's":  {func(a *asked) { a.template.DNSNames = []string{"worker.example.com"} }, `DNS name "worker.example.com"`},
		"the API servers' Service": {func(a *asked) { a.template.DNSNames = []string{"kubernetes.default.svc"} }, "is not that of node worker"},
		"an e-mail address":        {func(a *asked) { a.template.EmailAddresses = []string{"root@worker"} }, "e-mail addresses"},
		"a URI": {func(a *asked) {
			a.template.URIs = []*url.URL{{Scheme: "spiffe", Host: "cluster.local"}}
		}, "it is for URIs"},
		"no name":                {func(a *asked) { a.template.DNSNames = nil; a.ask() }, "no DNS name and no address"},
		"another node's address": {func(a *asked) { a.ask("10.2.0.5", "10.2.0.6") }, "the address 10.2.0.6 is not one of node worker"},
		"the VIP":                {func(a *asked) { a.ask("10.2.0.175") }, "the address 10.2.0.175 is not one of node worker"},
		"a Service's address":    {func(a *asked) { a.ask("172.16.0.1") }, "the address 172.16.0.1 is not one of node worker"},
		"the loopback":           {func(a *asked) { a.ask("127.0.0.1") }, "the address 127.0.0.1 is not one of node worker"},
		"everybody":              {func(a *asked) { a.ask("0.0.0.0") }, "the address 0.0.0.0 is not one of node worker"},

		"no node": {func(a *asked) { a.cluster.Node = nil }, "there is no node worker"},
		"addresses nobody knows": {func(a *asked) {
			a.cluster.Node.Labels = nil
		}, "ipv4 is missing; dualstrap create cluster sets it"},
		"an address another has": {func(a *asked) {
			a.cluster.Others = []string{"other"}
		}, "node other has an address of node worker"},
		"the VIP is said to be its own": {func(a *asked) {
			a.relabel("10.2.0.5", "fd12::4:175")
		}, "fd12::4:175 is one of the API servers' names"},
		"it is said to have a Service's address": {func(a *asked) {
			a.relabel("10.2.0.5", "fd12::5:a")
		}, "fd12::5:a is in a range of Services"},
		"its name is the API servers'":         {func(a *asked) { a.rename("api.example.com") }, "is one of the API servers' names"},
		"its name is the API servers' Service": {func(a *asked) { a.rename("kubernetes.default.svc") }, "is the name of a Service"},
		"its name is a Service's":              {func(a *asked) { a.rename("hook.system.svc.cluster.local") }, "is the name of a Service"},
		"its name is localhost":                {func(a *asked) { a.rename("localhost") }, "is the name of a Service"},

		"nothing":    {func(a *asked) { a.write = func([]byte) []byte { return nil } }, "not a certificate request in PEM"},
		"no PEM":     {func(a *asked) { a.write = func([]byte) []byte { return []byte("worker") } }, "not a certificate request in PEM"},
		"two blocks": {func(a *asked) { a.write = func(b []byte) []byte { return bytes.Repeat(b, 2) } }, "more in it than one"},
		"words after it": {func(a *asked) {
			a.write = func(b []byte) []byte { return append(b, "worker"...) }
		}, "more in it than one"},
		"a certificate": {func(a *asked) {
			a.write = func(b []byte) []byte {
				return bytes.ReplaceAll(b, []byte("CERTIFICATE REQUEST"), []byte("CERTIFICATE"))
			}
		}, "not a certificate request in PEM"},
		"garbage in PEM": {func(a *asked) {
			a.write = func([]byte) []byte {
				return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte("worker")})
			}
		}, "cannot be read"},
		"a key that is not its own": {func(a *asked) { a.write = forged }, "not signed with its own key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := keys.good()
			a.ask("10.2.0.5", "fd12::2:5")
			test.change(a)
			got := a.against(t)
			if !strings.Contains(got, test.want) {
				t.Errorf("what speaks against it is %q, want %q in it", got, test.want)
			}
		})
	}
}

// forged changes the signature of a request.
func forged(content []byte) []byte {
	block, _ := pem.Decode(content)
	block.Bytes[len(block.Bytes)-1] ^= 1
	return pem.EncodeToMemory(block)
}
