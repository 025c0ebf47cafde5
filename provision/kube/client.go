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

// FieldManager is the name under which fields of objects are dualstrap's.
const FieldManager = "dualstrap"

const (
	// requestTimeout bounds one request: an API server that is there answers within moments.
	requestTimeout = 30 * time.Second
	// pollInterval is how often something that has to become true is looked at.
	pollInterval = 250 * time.Millisecond
)

// Dial makes a connection to an API server, wherever it is.
type Dial func(ctx context.Context) (net.Conn, error)

// Client talks to the API servers of one cluster.
type Client struct {
	config *rest.Config
	// rest is for requests that have no object in them; it is made with the first one.
	rest   *rest.RESTClient
	client client.Client
}

// Connect returns a client that authenticates as the administrator. It sends nothing yet. Whoever is dialled has to show
// a certificate for the endpoint that is signed by the administrator's CA.
func Connect(admin Admin, endpoint netip.AddrPort, dial Dial) *Client {
	return newClient(&rest.Config{
		Host:            serverURL(endpoint),
		TLSClientConfig: rest.TLSClientConfig{CAData: admin.CA, CertData: admin.Certificate, KeyData: admin.Key},
	}, dial)
}

func newClient(config *rest.Config, dial Dial) *Client {
	config.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) { return dialRetry(ctx, dial) }
	// The way is dial's. A proxy of the workstation's would be asked for an address that it cannot reach.
	config.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	config.Timeout = requestTimeout
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return retryForbidden{limitedTransport{next}} })
	config.QPS = -1 // the API server's own fairness is limit enough
	config.UserAgent = "dualstrap"
	config.WarningHandler = rest.NoWarnings{}
	return &Client{config: config}
}

// Ready waits until the API server serves, and the client can be used.
func (c *Client) Ready(ctx context.Context, patience time.Duration) error {
	return poll(ctx, patience, "the API server is not ready", func(ctx context.Context) (string, error) {
		return "", c.probe(ctx)
	})
}

// probe asks once whether the API server is ready, and learns what kinds of objects it has.
func (c *Client) probe(ctx context.Context) error {
	plain, err := c.plain()
	if err != nil {
		return err
	}
	if err := plain.Get().AbsPath("/readyz").Do(ctx).Error(); err != nil {
		return err
	}
	if c.client == nil {
		made, err := client.New(c.config, client.Options{HTTPClient: plain.Client})
		if err != nil {
			return err
		}
		c.client = pagedClient{made}
	}
	return nil
}

// plain returns the client for requests that have no object in them.
func (c *Client) plain() (*rest.RESTClient, error) {
	if c.rest != nil {
		return c.rest, nil
	}
	asking, err := rest.HTTPClientFor(c.config)
	if err == nil {
		c.rest, err = rest.UnversionedRESTClientForConfigAndClient(unversioned(c.config), asking)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot talk to the API server: %w", err)
	}
	return c.rest, nil
}

// unversioned is for requests that no kind of object is in.
func unversioned(config *rest.Config) *rest.Config {
	plain := rest.CopyConfig(config)
	plain.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	return plain
}

// CA is the certificate of the cluster's certificate authority, PEM.
func (c *Client) CA() []byte { return c.config.CAData }

// poll waits until look gives neither something that is missing nor an error that may pass. What it
// said last is the reason when patience ends.
func poll(ctx context.Context, patience time.Duration, what string, look func(context.Context) (string, error)) error {
	return pollEvery(ctx, pollInterval, patience, what, look)
}

// pollEvery is poll for what is not to be looked at so often.
func pollEvery(
	ctx context.Context, interval, patience time.Duration, what string, look func(context.Context) (string, error),
) error {
	reason := ""
	err := wait.PollUntilContextTimeout(ctx, interval, patience, true, func(ctx context.Context) (bool, error) {
		missing, err := look(ctx)
		switch {
		case ctx.Err() != nil:
			return false, nil // the reason is what was before
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

// WaitError is something that did not become true in time.
type WaitError struct {
	What     string
	Patience time.Duration
	// Reason is what was missing in the end.
	Reason string
}

// Error implements error.
func (e *WaitError) Error() string {
	return fmt.Sprintf("%s after %s: %s", e.What, e.Patience, e.Reason)
}

// isTransient reports whether the same request may succeed a moment later.
func isTransient(err error) bool {
	var dialing *net.OpError
	if errors.Is(err, ErrNoAPIServer) || errors.As(err, &dialing) {
		return true
	}
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

// ErrNoAPIServer is a control plane none of whose API servers can be connected to.
var ErrNoAPIServer = errors.New("no API server can be reached")
