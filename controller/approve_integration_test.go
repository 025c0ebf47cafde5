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

// addressed makes the labels of a node with addresses.
func addressed(v4, v6 string) string {
	return "{" + nodeaddress.LabelIPv4 + "=" + v4 + "," + nodeaddress.LabelIPv6 + "=" + nodeaddress.Value(netip.MustParseAddr(v6)) + "}"
}

// kubelet is the client of a node, known by a certificate of its own.
func (c *cluster) kubelet(t *testing.T, node string) kubernetes.Interface {
	t.Helper()
	config := rest.CopyConfig(c.config)
	config.BearerToken = ""
	config.CertData, config.KeyData = c.authority.IssueTo(t, "system:node:"+node, "system:nodes")
	return kubernetes.NewForConfigOrDie(config)
}

// ask makes a request for names and addresses, as the kubelet of a node does, and returns its name.
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

// waitIssued waits for the certificate of a request, and holds it against the names that it is to be for.
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

// waitRefused waits until it is said why a request is not approved, and sees that it is not, nor denied.
func (c *cluster) waitRefused(t *testing.T, request, why string) {
	t.Helper()
	if message := c.waitEvent(t, request, "NotApproved"); !strings.Contains(message, why) {
		t.Errorf("the Event says %q, not %q", message, why)
	}
	if status := c.request(t, request).Status; len(status.Conditions) > 0 || len(status.Certificate) > 0 {
		t.Errorf("%s: %s", why, spell(status.Conditions))
	}
}

// testServing has kubelets ask for serving certificates, each as the API server lets it.
func (c *cluster) testServing(t *testing.T) {
	t.Helper()
	const serving = certificatesv1.KubeletServingSignerName
	kubetest.Sign(t, c.config, c.authority)
	c.createNode(t, "worker "+addressed("10.2.0.5", "fd12::2:5"))
	c.createNode(t, "other "+addressed("10.2.0.6", "fd12::2:6"))
	c.createNode(t, "balancer "+addressed("10.2.0.175", "fd12::4:175"))
	worker := c.kubelet(t, "worker")
	before := ask(t, worker, "worker", serving, "worker", "10.2.0.5", "fd12::2:5") // while nobody looks
	p := c.start(t)
	c.waitIssued(t, before, "worker", "10.2.0.5", "fd12::2:5")
	c.waitIssued(t, ask(t, worker, "worker", serving, "10.2.0.5"), "10.2.0.5") // again

	c.kubeletLies(t, worker)
	c.waitRefused(t, ask(t, worker, "worker", serving, "worker", "10.2.0.6"), "10.2.0.6 is not one of node worker")
	c.waitRefused(t, ask(t, worker, "worker", serving, "worker", "172.16.0.1"), "172.16.0.1 is not one of node worker")
	c.waitRefused(t, ask(t, worker, "worker", serving, "other"), `"other" is not that of node worker`)
	// The API server itself sees to that a node asks in its own name.
	if name, err := tryAsk(t, worker, "other", serving, "other", "10.2.0.6"); !apierrors.IsForbidden(err) {
		t.Errorf("a node may ask in another's name: %s, %v", name, err)
	}
	c.waitRefused(t, ask(t, c.typed, "worker", serving, "worker"), `"admin", who made it, is no node`)
	c.waitRefused(t, ask(t, c.kubelet(t, "balancer"), "balancer", serving, "10.2.0.175"), "one of the API servers' names")
	c.waitRefused(t, ask(t, c.kubelet(t, "nobody"), "nobody", serving, "nobody"), "there is no node nobody")

	// What speaks against it passes.
	c.createNode(t, "late")
	late := ask(t, c.kubelet(t, "late"), "late", serving, "late", "10.2.0.7")
	c.waitRefused(t, late, "ipv4 is missing; dualstrap create cluster sets it")
	c.label(t, "late", addressed("10.2.0.7", "fd12::2:7"))
	c.waitIssued(t, late, "late", "10.2.0.7")

	// Of two with the same address neither is believed.
	c.label(t, "other", addressed("10.2.0.6", "fd12::2:5"))
	c.waitRefused(t, ask(t, worker, "worker", serving, "10.2.0.5"), "node other has an address of node worker")
	c.waitRefused(t, ask(t, c.kubelet(t, "other"), "other", serving, "10.2.0.6"), "node worker has an address of node other")

	c.mayNotApproveClients(t, ask(t, worker, "worker", certificatesv1.KubeAPIServerClientKubeletSignerName))
	if n := strings.Count(p.output.String(), `node worker, which has 10.2.0.5 and fd12::2:5`); n != 2 {
		t.Errorf("it is said %d times why the two requests for foreign addresses are not approved", n)
	}
}

// kubeletLies writes of its Node what a kubelet may write, and sees what it may not.
func (c *cluster) kubeletLies(t *testing.T, kubelet kubernetes.Interface) {
	t.Helper()
	nodes := kubelet.CoreV1().Nodes()
	status := `{"status":{"addresses":[{"type":"InternalIP","address":"10.2.0.6"},{"type":"Hostname","address":"other"}]}}`
	if _, err := nodes.PatchStatus(t.Context(), "worker", []byte(status)); err != nil {
		t.Fatal(err)
	}
	node := c.node(t, "worker")
	if !slices.ContainsFunc(node.Status.Addresses, func(a corev1.NodeAddress) bool { return a.Address == "10.2.0.6" }) {
		t.Fatalf("the kubelet could not lie: %v", node.Status.Addresses)
	}
	label := `{"metadata":{"labels":{"` + nodeaddress.LabelIPv4 + `":"10.2.0.6"}}}`
	_, err := nodes.Patch(t.Context(), "worker", types.MergePatchType, []byte(label), metav1.PatchOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("the kubelet changes the label of its address: %v", err)
	}
}

// mayNotApproveClients tries to approve, with the controller's rights, a request for a client's certificate.
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
