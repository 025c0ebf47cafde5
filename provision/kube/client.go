package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// fieldManager is the field manager under which dualstrap owns fields of objects.
const fieldManager = "dualstrap"

const (
	// requestTimeout bounds one request: an API server that is reachable answers within moments.
	requestTimeout = 30 * time.Second
	// pollInterval is the time between two attempts while a condition is awaited.
	pollInterval = 250 * time.Millisecond
)

// Dial connects to any API server of the cluster. It chooses the address.
type Dial func(ctx context.Context) (net.Conn, error)

// Client talks to the API servers of one cluster. Methods that read or change objects need a [Client.Ready] that has
// returned nil before them.
type Client struct {
	config *rest.Config
	// rest sends requests that carry no typed object, as to /readyz. It is nil until the first such request.
	rest *rest.RESTClient
	// client is nil until [Client.Ready] has reached the API server, because making it queries the kinds of objects.
	client client.Client
}

// Connect returns a client that authenticates as the administrator. It sends nothing yet. The server that dial connects
// to must present a certificate that is valid for endpoint and signed by the administrator's CA.
func Connect(admin Admin, endpoint netip.AddrPort, dial Dial) *Client {
	return newClient(&rest.Config{
		Host:            serverURL(endpoint),
		TLSClientConfig: rest.TLSClientConfig{CAData: admin.CA, CertData: admin.Certificate, KeyData: admin.Key},
	}, dial)
}

// New returns a client that reads and changes objects through objects, and sends all other requests to transport. ca is
// the certificate of the cluster's certificate authority, in PEM.
func New(objects client.Client, transport http.RoundTripper, ca []byte) (*Client, error) {
	config := unversioned(&rest.Config{Host: "https://cluster", QPS: -1})
	requests, err := rest.UnversionedRESTClientForConfigAndClient(config, &http.Client{Transport: transport})
	if err != nil {
		return nil, fmt.Errorf("cannot talk to the API server: %w", err)
	}
	config.CAData = ca
	return &Client{config: config, rest: requests, client: pagedClient{objects}}, nil
}

// newClient completes config with dualstrap's transport. Tests pass credentials other than an administrator's.
func newClient(config *rest.Config, dial Dial) *Client {
	config.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) { return dialRetry(ctx, dial) }
	// The connection is dial's. A proxy from the workstation's environment would be asked for an address that it cannot
	// reach.
	config.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	config.Timeout = requestTimeout
	// The limit comes first, so that what is retried is bounded as well.
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return retryForbidden{limitedTransport{next}} })
	config.QPS = -1 // the API server's priority and fairness limits requests
	config.UserAgent = "dualstrap"
	// Warnings of the API server would be printed into the progress display.
	config.WarningHandler = rest.NoWarnings{}
	return &Client{config: config}
}

// Ready waits until the API server is ready, and prepares the client for use. The error is a [WaitError] if that takes
// longer than patience.
func (c *Client) Ready(ctx context.Context, patience time.Duration) error {
	return poll(ctx, patience, "the API server is not ready", func(ctx context.Context) (string, error) {
		return "", c.probe(ctx)
	})
}

// probe queries once whether the API server is ready, and creates the client for objects.
func (c *Client) probe(ctx context.Context) error {
	plain, err := c.plain()
	if err != nil {
		return err
	}
	if err := plain.Get().AbsPath("/readyz").Do(ctx).Error(); err != nil {
		return err
	}
	// Creating the client queries the API server for its kinds, so this waits until the API server is ready.
	if c.client == nil {
		made, err := client.New(c.config, client.Options{HTTPClient: plain.Client})
		if err != nil {
			return err
		}
		c.client = pagedClient{made}
	}
	return nil
}

// plain returns the client for requests that carry no typed object.
func (c *Client) plain() (*rest.RESTClient, error) {
	if c.rest != nil {
		return c.rest, nil
	}
	httpClient, err := rest.HTTPClientFor(c.config)
	if err == nil {
		c.rest, err = rest.UnversionedRESTClientForConfigAndClient(unversioned(c.config), httpClient)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot talk to the API server: %w", err)
	}
	return c.rest, nil
}

// unversioned returns a copy of config for requests to paths outside of any API group.
func unversioned(config *rest.Config) *rest.Config {
	plain := rest.CopyConfig(config)
	plain.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	return plain
}

// CA returns the certificate of the cluster's certificate authority, in PEM.
func (c *Client) CA() []byte { return c.config.CAData }

// poll calls check until it returns neither a reason why the condition is not met yet nor an error. Transient errors
// are retried, others are returned at once. When patience ends, the error is a [WaitError] with the last reason.
func poll(ctx context.Context, patience time.Duration, what string, check func(context.Context) (string, error)) error {
	return pollEvery(ctx, pollInterval, patience, what, check)
}

// pollEvery is poll with an interval, for queries that are expensive.
func pollEvery(
	ctx context.Context, interval, patience time.Duration, what string, check func(context.Context) (string, error),
) error {
	reason := ""
	// The first attempt is immediate, so a condition that already holds costs no wait.
	err := wait.PollUntilContextTimeout(ctx, interval, patience, true, func(ctx context.Context) (bool, error) {
		missing, err := check(ctx)
		switch {
		// An attempt that ends with the context fails for that reason only, which would hide the real one.
		case ctx.Err() != nil:
			return false, nil // keep the reason of the last complete attempt
		case err != nil && !isTransient(err):
			return false, err
		case err != nil:
			missing = err.Error()
		}
		reason = missing
		return missing == "", nil
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return &WaitError{What: what, Patience: patience, Reason: reason}
	}
	return err
}

// WaitError reports a condition that was not met in time.
type WaitError struct {
	// What says which condition, as in "the API server is not ready".
	What string
	// Patience is how long the condition was awaited.
	Patience time.Duration
	// Reason is the last reason why the condition was not met.
	Reason string
}

// Error implements error.
func (e *WaitError) Error() string {
	return fmt.Sprintf("%s after %s: %s", e.What, e.Patience, e.Reason)
}

// isTransient reports whether the same request may succeed a moment later. It includes an internal error, which is how
// an API server answers while its etcd elects a leader, and a missing kind, whose definition may not be served yet.
func isTransient(err error) bool {
	var dialing *net.OpError
	if errors.Is(err, ErrNoAPIServer) || errors.As(err, &dialing) {
		return true
	}
	// A conflict is transient because the object is read again in the next attempt.
	for _, passes := range []func(error) bool{
		utilnet.IsConnectionRefused, utilnet.IsConnectionReset, utilnet.IsProbableEOF, utilnet.IsTimeout,
		apierrors.IsServerTimeout, apierrors.IsTimeout, apierrors.IsTooManyRequests, apierrors.IsInternalError,
		apierrors.IsServiceUnavailable, apierrors.IsConflict, meta.IsNoMatchError,
	} {
		if passes(err) {
			return true
		}
	}
	return false
}

// ErrNoAPIServer reports that no API server of the control plane accepts connections.
var ErrNoAPIServer = errors.New("no API server can be reached")
