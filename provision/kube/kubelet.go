package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// AskKubelet has an API server ask a node's kubelet how it is, as it does for logs and exec. Where the API server wants
// kubelets to have certificates of the cluster's, this needs one.
func (c *Client) AskKubelet(ctx context.Context, node string) error {
	plain, err := c.plain()
	if err != nil {
		return err
	}
	return plain.Get().AbsPath("/api/v1/nodes", node, "proxy", "healthz").Do(ctx).Error()
}

// AwaitKubelet waits until API servers can ask a node's kubelet. The error is a [WaitError] that says what became of the
// certificate that the kubelet asked for.
func (c *Client) AwaitKubelet(ctx context.Context, node string, patience time.Duration) error {
	err := poll(ctx, patience, "logs and exec fail on node "+node+": API servers cannot ask its kubelet",
		func(ctx context.Context) (string, error) {
			if err := c.AskKubelet(ctx, node); err != nil {
				return err.Error(), nil
			}
			return "", nil
		})
	var waited *WaitError
	if errors.As(err, &waited) {
		state, unknown := c.ServingCertificate(ctx, node)
		waited.Reason = fmt.Sprintf("%s (%s)", cmp.Or(state, fmt.Sprint(unknown)), waited.Reason)
	}
	return err
}

// ServingCertificate says what became of the last certificate that a node's kubelet has asked for to serve with.
func (c *Client) ServingCertificate(ctx context.Context, node string) (string, error) {
	var list certificatesv1.CertificateSigningRequestList
	signer := client.MatchingFields{"spec.signerName": certificatesv1.KubeletServingSignerName}
	if err := c.client.List(ctx, &list, signer); err != nil {
		return "", fmt.Errorf("cannot list certificate signing requests: %w", err)
	}
	own := slices.DeleteFunc(list.Items, func(request certificatesv1.CertificateSigningRequest) bool {
		return request.Spec.Username != "system:node:"+node
	})
	if len(own) == 0 {
		return "its kubelet has asked for no certificate to serve with: see journalctl -u kubelet on the host", nil
	}
	last := slices.MaxFunc(own, func(a, b certificatesv1.CertificateSigningRequest) int {
		return a.CreationTimestamp.Compare(b.CreationTimestamp.Time)
	})
	return c.stateOf(ctx, &last)
}

// stateOf says how far a request is. Why one is pending is in its Events.
func (c *Client) stateOf(ctx context.Context, request *certificatesv1.CertificateSigningRequest) (string, error) {
	state := "certificate signing request " + request.Name + " "
	approved := false
	for _, condition := range request.Status.Conditions {
		switch condition.Type {
		case certificatesv1.CertificateDenied:
			return state + "is denied: " + cmp.Or(condition.Message, condition.Reason), nil
		case certificatesv1.CertificateFailed:
			return state + "has failed: " + cmp.Or(condition.Message, condition.Reason), nil
		case certificatesv1.CertificateApproved:
			approved = true
		}
	}
	switch {
	case len(request.Status.Certificate) > 0:
		return state + "is signed", nil
	case approved:
		return state + "is approved, and kube-controller-manager has not signed it yet", nil
	}
	messages, err := c.Events(ctx, metav1.NamespaceDefault, request.Name)
	if err != nil {
		return "", err
	}
	if len(messages) == 0 {
		return state + "is pending: dualstrap-controller has said nothing about it", nil
	}
	return state + "is pending: " + messages[len(messages)-1], nil
}
