//go:build integration

package kube

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ask creates a certificate signing request as the kubelet of a node does, and sets its conditions.
func ask(t *testing.T, c *Client, node string, conditions ...certificatesv1.CertificateSigningRequestCondition) client.Object {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	user := "system:node:" + node
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: user, Organization: []string{"system:nodes"}}, DNSNames: []string{node},
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	request := &certificatesv1.CertificateSigningRequest{Spec: certificatesv1.CertificateSigningRequestSpec{
		Request:    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
		SignerName: certificatesv1.KubeletServingSignerName,
		Usages:     []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth},
	}}
	request.Name = "csr-" + node
	config := rest.CopyConfig(c.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:nodes", "system:authenticated"}}
	kubelet, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := kubelet.Create(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if len(conditions) > 0 {
		request.Status.Conditions = conditions
		signing := kubernetes.NewForConfigOrDie(c.config).CertificatesV1().CertificateSigningRequests()
		if conditions[0].Type == certificatesv1.CertificateFailed {
			_, err = signing.UpdateStatus(t.Context(), request, metav1.UpdateOptions{})
		} else {
			_, err = signing.UpdateApproval(t.Context(), request.Name, request, metav1.UpdateOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return request
}

func TestIntegrationServingCertificate(t *testing.T) {
	c := connect(t)
	is := func(kind certificatesv1.RequestConditionType, message string) certificatesv1.CertificateSigningRequestCondition {
		return certificatesv1.CertificateSigningRequestCondition{Type: kind, Status: corev1.ConditionTrue, Reason: "Test", Message: message}
	}
	ask(t, c, "pending")
	ask(t, c, "approved", is(certificatesv1.CertificateApproved, ""))
	ask(t, c, "denied", is(certificatesv1.CertificateDenied, "a stranger"))
	ask(t, c, "failed", is(certificatesv1.CertificateFailed, "no signer"))
	told := ask(t, c, "told")
	event := &corev1.Event{
		InvolvedObject: corev1.ObjectReference{Kind: "CertificateSigningRequest", Name: told.GetName()}, Message: "not one of node told",
	}
	event.Name, event.Namespace = "why", "default"
	if err := c.Create(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	for node, want := range map[string]string{
		"silent":   "its kubelet has not requested a serving certificate: see journalctl -u kubelet on the host",
		"pending":  "certificate signing request csr-pending is pending: dualstrap-controller has said nothing about it",
		"told":     "certificate signing request csr-told is pending: not one of node told",
		"approved": "certificate signing request csr-approved is approved, and kube-controller-manager has not signed it yet",
		"denied":   "certificate signing request csr-denied is denied: a stranger",
		"failed":   "certificate signing request csr-failed has failed: no signer",
	} {
		if got, err := c.ServingCertificate(t.Context(), node); got != want || err != nil {
			t.Errorf("of %s it says %q, %v; want %q", node, got, err, want)
		}
	}

	err := c.AwaitKubelet(t.Context(), "denied", time.Millisecond)
	var waited *WaitError
	if !errors.As(err, &waited) || !strings.Contains(err.Error(), "fail on node denied: API servers cannot ask its kubelet after 1ms: ") ||
		!strings.Contains(err.Error(), "csr-denied is denied: a stranger") {
		t.Errorf("that no kubelet answers gives %v", err)
	}
}
