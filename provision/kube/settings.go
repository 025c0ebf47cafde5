package kube

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/version"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Version returns the version of the API server that answers, as in v1.36.3. During an upgrade, several behind one
// address may differ.
func (c *Client) Version(ctx context.Context) (string, error) {
	plain, err := c.plain()
	if err != nil {
		return "", err
	}
	content, err := plain.Get().AbsPath("/version").DoRaw(ctx)
	if err != nil {
		return "", fmt.Errorf("cannot ask the API server for its version: %w", err)
	}
	var info version.Info
	// Anything may listen at the address. Its response must not become the version of a cluster.
	if err := json.Unmarshal(content, &info); err != nil || info.GitVersion == "" {
		return "", fmt.Errorf("cannot understand the API server's version %q", content)
	}
	return info.GitVersion, nil
}

// SystemConfig returns an entry of a ConfigMap in kube-system, such as those that kubeadm writes. It returns "" if the
// ConfigMap or the entry is missing.
func (c *Client) SystemConfig(ctx context.Context, name, entry string) (string, error) {
	var config corev1.ConfigMap
	err := c.client.Get(ctx, client.ObjectKey{Namespace: "kube-system", Name: name}, &config)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("cannot read ConfigMap kube-system/%s: %w", name, err)
	}
	return config.Data[entry], nil
}
