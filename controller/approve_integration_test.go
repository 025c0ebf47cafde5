//go:build integration

package controller_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net/netip"
	"slices"
	"strings"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/dualstrap/dualstrap/internal/kubetest"
	"github.com/dualstrap/dualstrap/internal/nodeaddress"
)

// addressed returns the labels of a node with these addresses.
func addressed(v4, v6 string) string {
	return "{" + nodeaddress.LabelIPv4 + "=" + v4 + "," + nodeaddress.LabelIPv6 + "=" + nodeaddress.Value(netip.MustParseAddr(v6)) + "}"
}

// kubelet returns a client that authenticates with a node's certificate.
func (c *cluster) kubelet(t *testing.T, node string) kubernetes.Interface {
	t.Helper()
	config := rest.CopyConfig(c.config)
	config.BearerToken = ""
	config.CertData, config.KeyData = c.authority.IssueTo(t, "system:node:"+node, "system:nodes")
	return kubernetes.NewForConfigOrDie(config)
}

// ask creates a request for names and addresses, as the kubelet of a node does, and returns its name.
func ask(t *testing.T, by kubernetes.Interface, node, signer string, names ...string) string {
	t.Helper()
	name, err := tryAsk(t, by, node, signer, names...)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func tryAsk(t *testing.T, by kubernetes.Interface, node, signer string, names ...string) (string, error) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "system:node:" + node, Organization: []string{"system:nodes"}},
	}
	for _, name := range names {
		if address, err := netip.ParseAddr(name); err == nil {
			template.IPAddresses = append(template.IPAddresses, address.AsSlice())
			continue
		}
		template.DNSNames = append(template.DNSNames, name)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	request := &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "csr-"},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request:    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
			SignerName: signer,
			Usages:     []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth},
		},
	}
	made, err := by.CertificatesV1().CertificateSigningRequests().Create(t.Context(), request, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return made.Name, nil
}

func (c *cluster) request(t *testing.T, name string) *certificatesv1.CertificateSigningRequest {
	t.Helper()
	request, err := c.typed.CertificatesV1().CertificateSigningRequests().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// waitIssued waits for the certificate of a request, and verifies it for the names.
func (c *cluster) waitIssued(t *testing.T, request string, names ...string) {
	t.Helper()
	var issued []byte
	c.eventually(t, request+" is signed", func() string {
		status := c.request(t, request).Status
		if issued = status.Certificate; len(issued) > 0 {
			return ""
		}
		return "its conditions are " + spell(status.Conditions)
	})
	block, _ := pem.Decode(issued)
	if block == nil {
		t.Fatalf("no PEM: %q", issued)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.authority.PEM())
	for _, name := range names {
		if _, err := certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
			t.Errorf("for %s: %v", name, err)
		}
	}
}

func spell(conditions []certificatesv1.CertificateSigningRequestCondition) string {
	words := []string{}
	for _, condition := range conditions {
		words = append(words, string(condition.Type)+": "+condition.Message)
	}
	return strings.Join(words, "; ")
}

// waitRefused waits for the Event that says why a request is not approved, and checks that it is neither approved nor
// denied.
func (c *cluster) waitRefused(t *testing.T, request, why string) {
	t.Helper()
	if message := c.waitEvent(t, request, "NotApproved"); !strings.Contains(message, why) {
		t.Errorf("the Event says %q, not %q", message, why)
	}
	if status := c.request(t, request).Status; len(status.Conditions) > 0 || len(status.Certificate) > 0 {
		t.Errorf("%s: %s", why, spell(status.Conditions))
	}
}

// testServing requests serving certificates with the rights that kubelets have.
func (c *cluster) testServing(t *testing.T) {
	t.Helper()
	const serving = certificatesv1.KubeletServingSignerName
	kubetest.Sign(t, c.config, c.authority)
	c.createNode(t, "worker "+addressed("10.2.0.5", "fd12::2:5"))
	c.createNode(t, "other "+addressed("10.2.0.6", "fd12::2:6"))
	c.createNode(t, "balancer "+addressed("10.2.0.175", "fd12::4:175"))
	worker := c.kubelet(t, "worker")
	before := ask(t, worker, "worker", serving, "worker", "10.2.0.5", "fd12::2:5") // before the controller runs
	p := c.start(t)
	c.waitIssued(t, before, "worker", "10.2.0.5", "fd12::2:5")
	c.waitIssued(t, ask(t, worker, "worker", serving, "10.2.0.5"), "10.2.0.5") // again

	c.forgeNodeStatus(t, worker)
	c.waitRefused(t, ask(t, worker, "worker", serving, "worker", "10.2.0.6"), "10.2.0.6 is not one of node worker")
	c.waitRefused(t, ask(t, worker, "worker", serving, "worker", "172.16.0.1"), "172.16.0.1 is not one of node worker")
	c.waitRefused(t, ask(t, worker, "worker", serving, "other"), `"other" is not that of node worker`)
	// The API server itself rejects requests in the name of another node.
	if name, err := tryAsk(t, worker, "other", serving, "other", "10.2.0.6"); !apierrors.IsForbidden(err) {
		t.Errorf("a node may ask in another's name: %s, %v", name, err)
	}
	c.waitRefused(t, ask(t, c.typed, "worker", serving, "worker"), `"admin", which made it, is not a node`)
	c.waitRefused(t, ask(t, c.kubelet(t, "balancer"), "balancer", serving, "10.2.0.175"), "one of the API servers' names")
	c.waitRefused(t, ask(t, c.kubelet(t, "nobody"), "nobody", serving, "nobody"), "there is no node nobody")

	// A transient reason: the request is approved once it no longer holds.
	c.createNode(t, "late")
	late := ask(t, c.kubelet(t, "late"), "late", serving, "late", "10.2.0.7")
	c.waitRefused(t, late, "ipv4 is missing; dualstrap create cluster sets it")
	c.label(t, "late", addressed("10.2.0.7", "fd12::2:7"))
	c.waitIssued(t, late, "late", "10.2.0.7")

	// Of two nodes with the same address, neither gets a certificate.
	c.label(t, "other", addressed("10.2.0.6", "fd12::2:5"))
	c.waitRefused(t, ask(t, worker, "worker", serving, "10.2.0.5"), "node other has an address of node worker")
	c.waitRefused(t, ask(t, c.kubelet(t, "other"), "other", serving, "10.2.0.6"), "node worker has an address of node other")

	c.mayNotApproveClients(t, ask(t, worker, "worker", certificatesv1.KubeAPIServerClientKubeletSignerName))
	if n := strings.Count(p.output.String(), `node worker, which has 10.2.0.5 and fd12::2:5`); n != 2 {
		t.Errorf("it is said %d times why the two requests for foreign addresses are not approved", n)
	}
}

// forgeNodeStatus writes what a kubelet may write to its Node, and checks that it may not write the labels.
func (c *cluster) forgeNodeStatus(t *testing.T, kubelet kubernetes.Interface) {
	t.Helper()
	nodes := kubelet.CoreV1().Nodes()
	status := `{"status":{"addresses":[{"type":"InternalIP","address":"10.2.0.6"},{"type":"Hostname","address":"other"}]}}`
	if _, err := nodes.PatchStatus(t.Context(), "worker", []byte(status)); err != nil {
		t.Fatal(err)
	}
	node := c.node(t, "worker")
	if !slices.ContainsFunc(node.Status.Addresses, func(a corev1.NodeAddress) bool { return a.Address == "10.2.0.6" }) {
		t.Fatalf("the kubelet could not forge its addresses: %v", node.Status.Addresses)
	}
	label := `{"metadata":{"labels":{"` + nodeaddress.LabelIPv4 + `":"10.2.0.6"}}}`
	_, err := nodes.Patch(t.Context(), "worker", types.MergePatchType, []byte(label), metav1.PatchOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("the kubelet changes the label of its address: %v", err)
	}
}

// mayNotApproveClients checks that the controller's rights do not suffice to approve a client certificate.
func (c *cluster) mayNotApproveClients(t *testing.T, name string) {
	t.Helper()
	config := rest.CopyConfig(c.config)
	config.BearerToken = c.token
	request := c.request(t, name)
	request.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{
		{Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue, Reason: "Test"},
	}
	_, err := kubernetes.NewForConfigOrDie(config).CertificatesV1().CertificateSigningRequests().
		UpdateApproval(t.Context(), name, request, metav1.UpdateOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("the controller may approve clients' certificates: %v", err)
	}
}
