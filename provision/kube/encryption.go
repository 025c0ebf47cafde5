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
	// encryptionMetric tells, of an API server, which file of keys it has loaded
	// (k8s.io/apiserver/pkg/server/options/encryptionconfig/metrics; the same in Kubernetes 1.36 and 1.37).
	encryptionMetric = "apiserver_encryption_config_controller_last_config_info{"
	// metricsInterval is how often it is looked at. Metrics are megabytes, and API servers look at the file once a minute.
	metricsInterval = 2 * time.Second
)

// ErrNoEncryption is an API server that encrypts nothing.
var ErrNoEncryption = errors.New("the API server tells of no file of keys: it encrypts nothing")

// EncryptionConfig returns the digest, as in sha256:..., of the EncryptionConfiguration that the API server works with.
// The error is [ErrNoEncryption] where it has none. Of several API servers behind one address, any may be asked.
func (c *Client) EncryptionConfig(ctx context.Context) (digest string, err error) {
	plain, err := c.plain()
	if err != nil {
		return "", err
	}
	metrics, err := plain.Get().AbsPath("/metrics").Stream(ctx)
	if err != nil {
		return "", fmt.Errorf("cannot ask the API server for its metrics: %w", err)
	}
	defer metrics.Close() //nolint:errcheck // what was wanted of it has been read
	lines := bufio.NewScanner(metrics)
	for lines.Scan() { // they are sorted by name: this one comes early
		if digest := labelIn(lines.Text(), encryptionMetric, "hash"); digest != "" {
			return digest, nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("cannot read the API server's metrics: %w", err)
	}
	return "", ErrNoEncryption
}

// labelIn returns a label of a metric, whose values need no escapes; "" where the line is another one's.
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

// AwaitEncryptionConfig waits until the API server works with the EncryptionConfiguration of a digest.
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

// RewriteSecret has an API server store a Secret again as it is, encrypted as it encrypts now. The Secret itself stays
// where it is, neither its content nor its version is changed by this program. One that is gone needs nothing.
func (c *Client) RewriteSecret(ctx context.Context, namespace, name string) error {
	what := fmt.Sprintf("cannot store Secret %s/%s again", namespace, name)
	return poll(ctx, applyPatience, what, func(ctx context.Context) (string, error) {
		secret := &metav1.PartialObjectMetadata{}
		secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
		secret.Namespace, secret.Name = namespace, name
		// An API server stores what a request leaves as it is only where it is not encrypted as it would be now.
		err := c.client.Patch(ctx, secret, client.RawPatch(types.MergePatchType, []byte("{}")), client.FieldOwner(FieldManager))
		if client.IgnoreNotFound(err) != nil {
			return "", fmt.Errorf("%s: %w", what, err)
		}
		return "", nil
	})
}
