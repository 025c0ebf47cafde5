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
)

const (
	// callTimeout bounds one call. Milliseconds are the rule; two packets that are lost on the way are no
	// failure yet.
	callTimeout = 5 * time.Second
	// fetchTimeout is longer than what a pod takes to give up on what it was asked to call.
	fetchTimeout = 7 * time.Second
	// patience is how long the first call of a kind may fail: what was made a moment ago is on its way to
	// the nodes. Later calls have to succeed at once.
	patience = 10 * time.Second
	// pause is between tries.
	pause = 200 * time.Millisecond
	// maxAnswer is more than any answer of the server in the pods, and of an agent that is asked for metrics.
	maxAnswer = 1 << 16
)

// podPort and servicePort are where pods and Services answer.
const (
	podPort     = 8080
	servicePort = 80
)

// greeting is how the server's answer begins.
const greeting = "Hello, world!"

// call asks an HTTP server, over a connection that a host makes for this call alone.
func (s *testbed) call(ctx context.Context, from netip.Addr, to netip.AddrPort, path string, timeout time.Duration) (string, error) {
	asking := &http.Client{Timeout: timeout, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return s.Ways.Dial(ctx, from, to)
		},
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+to.String()+path, nil)
	if err != nil {
		return "", err
	}
	answer, err := asking.Do(request)
	if err != nil {
		return "", plain(err, timeout)
	}
	defer answer.Body.Close() //nolint:errcheck // nothing was written
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	switch {
	case err != nil:
		return "", plain(err, timeout)
	case answer.StatusCode != http.StatusOK:
		return "", &statusError{Code: answer.StatusCode, Body: strings.TrimSpace(string(body))}
	}
	return strings.TrimSpace(string(body)), nil
}

// statusError is an answer that is none. A pod that cannot call what it was asked to call says why.
type statusError struct {
	Code int
	Body string
}

// Error implements error.
func (e *statusError) Error() string { return fmt.Sprintf("%s: %s", http.StatusText(e.Code), e.Body) }

// plain leaves out what the caller says itself: which address was called.
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

// greets calls a server and wants its greeting; it gives the name of the pod that answered.
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

// seenBy has a host call a server and gives the address that the server sees.
func (s *testbed) seenBy(ctx context.Context, from netip.Addr, to netip.AddrPort) (netip.Addr, error) {
	body, err := s.call(ctx, from, to, "/client", callTimeout)
	if err != nil {
		return netip.Addr{}, err
	}
	return parseSeen(body)
}

// fetch has the pod of a node ask a server for a page. The pod is told so by its own node, which needs no
// other to do it.
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

// reasonIn shortens what an HTTP client says: `Get "URL": reason`.
func reasonIn(text string) string {
	if strings.Contains(text, "Client.Timeout exceeded") {
		return "no answer"
	}
	if _, reason, found := strings.Cut(text, "\": "); found && strings.HasPrefix(text, "Get ") {
		return reason
	}
	return text
}

// podSeenBy has the pod of a node call a server and gives the address that the server sees.
func (s *testbed) podSeenBy(ctx context.Context, n *node, to netip.AddrPort) (netip.Addr, error) {
	body, err := s.fetch(ctx, n, "http://"+to.String()+"/client")
	if err != nil {
		return netip.Addr{}, err
	}
	return parseSeen(body)
}

func parseSeen(body string) (netip.Addr, error) {
	address, err := netip.ParseAddr(body)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("something else answers: %q", body)
	}
	return address.Unmap(), nil
}

// eventually tries until it succeeds or patience ends, and gives what it failed with in the end.
func eventually[T any](ctx context.Context, try func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last error
	for {
		got, err := try(ctx)
		switch {
		case err == nil:
			return got, nil
		case last == nil || ctx.Err() == nil: // not that time was up
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

// cannotForward reports whether a host's SSH server refuses to make connections for us.
func cannotForward(err error) bool { return errors.Is(err, remote.ErrProtocol) }

// unanswered is the verdict about a call that failed. That the host will not call for us says nothing
// about the cluster.
func unanswered(err error, format string, args ...any) verdict {
	var hinted interface{ Hint() string }
	v := failed("%s: %v", fmt.Sprintf(format, args...), err)
	if cannotForward(err) {
		v.status = Skipped
		if errors.As(err, &hinted) {
			v.hint = hinted.Hint()
		}
	}
	return v
}
