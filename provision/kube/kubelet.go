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

// AskKubelet makes the API server call the kubelet of a node, as it does for logs and exec. If the API server requires
// serving certificates that the cluster's CA has signed, the call fails until the kubelet has one.
func (c *Client) AskKubelet(ctx context.Context, node string) error {
	plain, err := c.plain()
	if err != nil {
		return err
	}
	return plain.Get().AbsPath("/api/v1/nodes", node, "proxy", "healthz").Do(ctx).Error()
}

// AwaitKubelet waits until the API server can call the kubelet of a node. If that takes longer than patience, the error
// is a [WaitError] whose reason includes the state of the serving certificate that the kubelet requested.
func (c *Client) AwaitKubelet(ctx context.Context, node string, patience time.Duration) error {
	err := poll(ctx, patience, "logs and exec fail on node "+node+": API servers cannot ask its kubelet",
		func(ctx context.Context) (string, error) {
			// Every error is a reason to wait: while the kubelet starts, the API server reports several kinds of
			// errors.
			if err := c.AskKubelet(ctx, node); err != nil {
				return err.Error(), nil
			}
			return "", nil
		})
	var waited *WaitError
	if errors.As(err, &waited) {
		// A missing or unsigned serving certificate is the usual cause. If its state cannot be read, the reason says
		// why not.
		state, unknown := c.ServingCertificate(ctx, node)
		waited.Reason = fmt.Sprintf("%s (%s)", cmp.Or(state, fmt.Sprint(unknown)), waited.Reason)
	}
	return err
}

// ServingCertificate returns a sentence about the state of the latest serving certificate that the kubelet of a node
// requested.
func (c *Client) ServingCertificate(ctx context.Context, node string) (string, error) {
	var list certificatesv1.CertificateSigningRequestList
	signer := client.MatchingFields{"spec.signerName": certificatesv1.KubeletServingSignerName}
	if err := c.client.List(ctx, &list, signer); err != nil {
		return "", fmt.Errorf("cannot list certificate signing requests: %w", err)
	}
	// A kubelet authenticates as its node, so the API server vouches for the user name.
	own := slices.DeleteFunc(list.Items, func(request certificatesv1.CertificateSigningRequest) bool {
		return request.Spec.Username != "system:node:"+node
	})
	if len(own) == 0 {
		return "its kubelet has not requested a serving certificate: see journalctl -u kubelet on the host", nil
	}
	// Older requests are those of earlier attempts, which no longer matter.
	last := slices.MaxFunc(own, func(a, b certificatesv1.CertificateSigningRequest) int {
		return a.CreationTimestamp.Compare(b.CreationTimestamp.Time)
	})
	return c.stateOf(ctx, &last)
}

// stateOf returns the state of a request. Why a request is pending is in its Events, which dualstrap-controller emits.
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
