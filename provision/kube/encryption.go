package kube

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// encryptionMetric begins the metric that names the EncryptionConfiguration which the API server has loaded
	// (k8s.io/apiserver/pkg/server/options/encryptionconfig/metrics; the same in Kubernetes 1.36 and 1.37).
	encryptionMetric = "apiserver_encryption_config_controller_last_config_info{"
	// metricsInterval is the time between two reads of the metrics. They are megabytes, and an API server reloads the
	// file only once a minute.
	metricsInterval = 2 * time.Second
)

// ErrNoEncryption reports that the API server has no EncryptionConfiguration.
var ErrNoEncryption = errors.New("the API server reports no encryption configuration: it encrypts nothing")

// EncryptionConfig returns the digest, as in sha256:..., of the EncryptionConfiguration that the API server uses. The
// error is [ErrNoEncryption] if it has none. If several API servers share the address, the digest is that of any of
// them.
func (c *Client) EncryptionConfig(ctx context.Context) (digest string, err error) {
	plain, err := c.plain()
	if err != nil {
		return "", err
	}
	metrics, err := plain.Get().AbsPath("/metrics").Stream(ctx)
	if err != nil {
		return "", fmt.Errorf("cannot ask the API server for its metrics: %w", err)
	}
	defer metrics.Close()
	lines := bufio.NewScanner(metrics)
	for lines.Scan() { // metrics are sorted by name, so this one comes early and the rest is not read
		// An API server without encryption has no such metric.
		if digest := labelIn(lines.Text(), encryptionMetric, "hash"); digest != "" {
			return digest, nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("cannot read the API server's metrics: %w", err)
	}
	return "", ErrNoEncryption
}

// labelIn returns the value of a label in a line of metrics, or "" if the line belongs to another metric. It does not
// unescape, which a digest does not need.
func labelIn(line, metric, label string) string {
	labels, found := strings.CutPrefix(line, metric)
	if !found {
		return ""
	}
	labels, _, _ = strings.Cut(labels, "}")
	for pair := range strings.SplitSeq(labels, ",") {
		if name, value, _ := strings.Cut(pair, "="); name == label {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// AwaitEncryptionConfig waits until the API server uses the EncryptionConfiguration with the given digest. The error is
// a [WaitError] if that takes longer than patience.
func (c *Client) AwaitEncryptionConfig(ctx context.Context, digest string, patience time.Duration) error {
	const what = "the API server has not loaded its file of keys"
	return pollEvery(ctx, metricsInterval, patience, what, func(ctx context.Context) (string, error) {
		loaded, err := c.EncryptionConfig(ctx)
		if err != nil || loaded == digest {
			return "", err
		}
		return fmt.Sprintf("it works with %s and not with %s", loaded, digest), nil
	})
}

// RewriteSecret makes an API server store a Secret again, encrypted with its current first key. It does so with an
// empty patch: the Secret is not read, so its content never leaves the API server, and it cannot overwrite a concurrent
// change. A missing Secret is not an error.
func (c *Client) RewriteSecret(ctx context.Context, namespace, name string) error {
	what := fmt.Sprintf("cannot store Secret %s/%s again", namespace, name)
	return poll(ctx, applyPatience, what, func(ctx context.Context) (string, error) {
		secret := &metav1.PartialObjectMetadata{}
		secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
		secret.Namespace, secret.Name = namespace, name
		// An API server skips the write of an unchanged object, unless the stored form is encrypted in another way than
		// it would be now. This exception rewrites the Secret.
		err := c.client.Patch(ctx, secret, client.RawPatch(types.MergePatchType, []byte("{}")), client.FieldOwner(fieldManager))
		if client.IgnoreNotFound(err) != nil {
			return "", fmt.Errorf("%s: %w", what, err)
		}
		return "", nil
	})
}
