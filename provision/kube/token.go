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
	// tokenLife is how long a token can be used to join if the run that minted it does not revoke it.
	tokenLife = 30 * time.Minute
	// tokenLabel marks the tokens that dualstrap has minted.
	tokenLabel = "dualstrap.dev/join-token"
	// nodeTokenGroup is the group whose members may request a node's certificates. kubeadm init grants it that right.
	nodeTokenGroup = "system:bootstrappers:kubeadm:default-node-token"
)

// MintToken creates a bootstrap token in the form abcdef.0123456789abcdef, with which hosts join. It expires after half
// an hour by the API server's clock: the workstation's may differ, and the control plane compares with its own.
func (c *Client) MintToken(ctx context.Context) (string, error) {
	token, err := util.GenerateBootstrapToken()
	if err != nil {
		return "", fmt.Errorf("cannot create a join token: %w", err)
	}
	id, secret := token[:api.BootstrapTokenIDBytes], token[api.BootstrapTokenIDBytes+1:]
	// The fields are those of kubeadm token create. The usage "signing" is for the ConfigMap cluster-info, whose
	// signature kubeadm join verifies with the token.
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
	return token, poll(ctx, applyPatience, "cannot create a join token", func(ctx context.Context) (string, error) {
		// The creation timestamp of a dry run is the API server's current time.
		attempt := object.DeepCopy()
		if err := c.client.Create(ctx, attempt, client.DryRunAll); err != nil {
			return "", err
		}
		end := attempt.CreationTimestamp.Add(tokenLife)
		object.StringData[api.BootstrapTokenExpirationKey] = end.UTC().Format(time.RFC3339)
		return "", c.client.Create(ctx, object)
	})
}

// RevokeTokens deletes the tokens of this run and the leftover tokens of runs that were interrupted.
func (c *Client) RevokeTokens(ctx context.Context) error {
	err := c.client.DeleteAllOf(ctx, &corev1.Secret{}, client.InNamespace(metav1.NamespaceSystem), client.HasLabels{tokenLabel})
	if err != nil {
		return fmt.Errorf("cannot remove the tokens that hosts joined with: %w", err)
	}
	return nil
}
