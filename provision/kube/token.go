package kube

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cluster-bootstrap/token/api"
	"k8s.io/cluster-bootstrap/token/util"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// tokenLife is how long a token lets hosts join when nobody takes it back.
	tokenLife = 30 * time.Minute
	// tokenLabel marks our tokens.
	tokenLabel = "dualstrap.dev/join-token"
	// nodeTokenGroup may ask for a node's certificates: kubeadm init gives it that right.
	nodeTokenGroup = "system:bootstrappers:kubeadm:default-node-token"
)

// MintToken makes a token with which hosts join, in the form abcdef.0123456789abcdef. It lives for half an hour by the
// API server's clock, which is the one that counts.
func (c *Client) MintToken(ctx context.Context) (string, error) {
	token, err := util.GenerateBootstrapToken()
	if err != nil {
		return "", fmt.Errorf("cannot make a token to join with: %w", err)
	}
	id, secret := token[:api.BootstrapTokenIDBytes], token[api.BootstrapTokenIDBytes+1:]
	object := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: metav1.NamespaceSystem,
			Name:      api.BootstrapTokenSecretPrefix + id,
			Labels:    map[string]string{tokenLabel: "true"},
		},
		Type: api.SecretTypeBootstrapToken,
		StringData: map[string]string{
			api.BootstrapTokenIDKey:               id,
			api.BootstrapTokenSecretKey:           secret,
			api.BootstrapTokenDescriptionKey:      "hosts join with it; dualstrap removes it when they have",
			api.BootstrapTokenExtraGroupsKey:      nodeTokenGroup,
			api.BootstrapTokenUsageAuthentication: "true",
			api.BootstrapTokenUsageSigningKey:     "true",
		},
	}
	return token, poll(ctx, applyPatience, "cannot make a token to join with", func(ctx context.Context) (string, error) {
		// What a dry run would create says when.
		attempt := object.DeepCopy()
		if err := c.client.Create(ctx, attempt, client.DryRunAll); err != nil {
			return "", err
		}
		end := attempt.CreationTimestamp.Add(tokenLife)
		object.StringData[api.BootstrapTokenExpirationKey] = end.UTC().Format(time.RFC3339)
		return "", c.client.Create(ctx, object)
	})
}

// RevokeTokens removes the tokens of this run and of those that were cut off.
func (c *Client) RevokeTokens(ctx context.Context) error {
	err := c.client.DeleteAllOf(ctx, &corev1.Secret{}, client.InNamespace(metav1.NamespaceSystem), client.HasLabels{tokenLabel})
	if err != nil {
		return fmt.Errorf("cannot remove the tokens that hosts joined with: %w", err)
	}
	return nil
}
