package proof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/internal/hint"
)

const (
	// callTimeout bounds one call. Calls usually take milliseconds; the timeout leaves room for the retransmission of
	// two lost packets, which are not a failure yet.
	callTimeout = 5 * time.Second
	// fetchTimeout is longer than the timeout of a pod that makes a call on behalf of the proof.
	fetchTimeout = 7 * time.Second
	// patience is how long the first call of a kind may fail, because what was created a moment ago has not reached all
	// nodes yet. Later calls must succeed at once.
	patience = 10 * time.Second
	// pause is the time between two attempts.
	pause = 200 * time.Millisecond
	// maxAnswer bounds the body of a response, in bytes. The server in the pods and the metrics of an agent stay below
	// it.
	maxAnswer = 1 << 16
)

// podPort is the port of the server in the pods, servicePort that of the Services.
const (
	podPort     = 8080
	servicePort = 80
)

// greeting begins the response of the proof's server.
const greeting = "Hello, world!"

// call sends an HTTP GET request over a connection that the host from makes for this call alone, and returns the body
// of the response. The error is a [statusError] if the status is not 200.
func (s *testbed) call(ctx context.Context, from netip.Addr, to netip.AddrPort, path string, timeout time.Duration) (string, error) {
	httpClient := &http.Client{Timeout: timeout, Transport: &http.Transport{
		// A Service chooses a pod per connection, so every call must have its own.
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return s.Connections.Dial(ctx, from, to)
		},
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+to.String()+path, nil)
	if err != nil {
		return "", err
	}
	answer, err := httpClient.Do(request)
	if err != nil {
		return "", plain(err, timeout)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	switch {
	case err != nil:
		return "", plain(err, timeout)
	case answer.StatusCode != http.StatusOK:
		return "", &statusError{Code: answer.StatusCode, Body: strings.TrimSpace(string(body))}
	}
	return strings.TrimSpace(string(body)), nil
}

// statusError is a non-200 response. Its body carries the pod's own reason.
type statusError struct {
	Code int
	Body string
}

// Error implements error.
func (e *statusError) Error() string { return fmt.Sprintf("%s: %s", http.StatusText(e.Code), e.Body) }

// plain removes the URL from an error of the HTTP client: the caller's message names the address that was called.
func plain(err error, timeout time.Duration) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		if wrapped.Timeout() {
			return fmt.Errorf("no answer within %s", timeout)
		}
		return wrapped.Err
	}
	return err
}

// greets calls a server, checks that it is the proof's, and returns the name of the pod that answered.
func (s *testbed) greets(ctx context.Context, from netip.Addr, to netip.AddrPort) (string, error) {
	body, err := s.call(ctx, from, to, "/", callTimeout)
	if err != nil {
		return "", err
	}
	_, name, found := strings.Cut(body, "Hostname: ")
	if !strings.HasPrefix(body, greeting) || !found {
		return "", fmt.Errorf("something else answers: %q", body)
	}
	return strings.TrimSpace(name), nil
}

// seenBy calls a server from a host and returns the caller's address as the server sees it.
func (s *testbed) seenBy(ctx context.Context, from netip.Addr, to netip.AddrPort) (netip.Addr, error) {
	body, err := s.call(ctx, from, to, "/client", callTimeout)
	if err != nil {
		return netip.Addr{}, err
	}
	return parseSeen(body)
}

// fetch makes the pod of a node request a URL, and returns the body of the response. The node itself gives the pod the
// order, so that a failure is about the pod's call and not about the path between nodes.
func (s *testbed) fetch(ctx context.Context, n *node, target string) (string, error) {
	to := netip.AddrPortFrom(n.pod.Addresses[0], podPort)
	body, err := s.call(ctx, n.address(), to, "/fetch?url="+url.QueryEscape(target), fetchTimeout)
	var refused *statusError
	switch {
	case errors.As(err, &refused):
		return "", errors.New(reasonIn(refused.Body))
	case err != nil:
		return "", fmt.Errorf("the pod cannot be asked by its own node: %w", err)
	}
	return body, nil
}

// reasonIn returns the reason in the text of an HTTP client's error, which has the form `Get "URL": reason`.
func reasonIn(text string) string {
	// A client whose timeout ends while it connects may give the second text alone.
	if strings.Contains(text, "Client.Timeout exceeded") || strings.HasSuffix(text, context.DeadlineExceeded.Error()) {
		return "no answer"
	}
	if _, reason, found := strings.Cut(text, "\": "); found && strings.HasPrefix(text, "Get ") {
		return reason
	}
	return text
}

// podSeenBy calls a server from the pod of a node and returns the caller's address as the server sees it.
func (s *testbed) podSeenBy(ctx context.Context, n *node, to netip.AddrPort) (netip.Addr, error) {
	body, err := s.fetch(ctx, n, "http://"+to.String()+"/client")
	if err != nil {
		return netip.Addr{}, err
	}
	return parseSeen(body)
}

// parseSeen parses the response of the path /client. IPv4-mapped addresses, which a dual-stack socket reports, are
// unmapped.
func parseSeen(body string) (netip.Addr, error) {
	address, err := netip.ParseAddr(body)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("something else answers: %q", body)
	}
	return address.Unmap(), nil
}

// eventually calls try until it succeeds or patience ends, and returns the last error. It stops at once if the host
// refuses to forward connections, which does not change.
func eventually[T any](ctx context.Context, try func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last error
	for {
		got, err := try(ctx)
		switch {
		case err == nil:
			return got, nil
		case last == nil || ctx.Err() == nil: // keep the reason of the failure rather than the timeout
			last = err
		}
		if cannotForward(err) {
			return got, err
		}
		select {
		case <-ctx.Done():
			return got, last
		case <-time.After(pause):
		}
	}
}

// forwards returns the error of a host whose SSH server refuses to forward connections, and nil for other hosts, also if
// the connection fails.
func (s *testbed) forwards(ctx context.Context, host netip.Addr, to netip.AddrPort) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	conn, err := s.Connections.Dial(ctx, host, to)
	switch {
	case cannotForward(err):
		return err
	case err == nil:
		conn.Close()
	}
	return nil
}

// cannotForward reports whether the SSH server of a host refuses to forward connections.
func cannotForward(err error) bool { return errors.Is(err, remote.ErrProtocol) }

// unanswered returns the verdict for a call that failed. If the host refuses to forward connections, the check is
// skipped: that says nothing about the cluster.
func unanswered(err error, format string, args ...any) verdict {
	// The error of a refused connection knows which setting of the SSH server refuses it.
	v := failed("%s: %v", fmt.Sprintf(format, args...), err)
	if cannotForward(err) {
		v.status = Skipped
		v.hint = hint.Of(err)
	}
	return v
}
