package kube

import (
	"context"
	"net"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	// dialPatience is how long API servers may refuse connections before a request fails. The kubelet restarts an API
	// server that has terminated within seconds.
	dialPatience = 20 * time.Second
	// rightsPatience is how long an API server may answer that a request is forbidden. One that has just started
	// forbids everything until it has read the RBAC rules, to the administrator as well.
	rightsPatience = 10 * time.Second
)

// dialRetry retries dial while no API server can be reached. That is safe for every request, because nothing has been
// sent.
func dialRetry(ctx context.Context, dial Dial) (conn net.Conn, err error) {
	waiting := wait.PollUntilContextTimeout(ctx, pollInterval, dialPatience, true, func(ctx context.Context) (bool, error) {
		next, failure := dial(ctx)
		if ctx.Err() == nil || err == nil { // keep the reason of the failure rather than the end of the context
			conn, err = next, failure
		}
		return failure == nil, nil
	})
	// The context ended before the first attempt.
	if err == nil && waiting != nil {
		return nil, waiting
	}
	return conn, err
}

// retryForbidden retries requests that the API server forbids, which is safe because it has not carried them out. The
// administrator may do everything, so such a response means that the API server has not read the RBAC rules yet.
type retryForbidden struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (r retryForbidden) RoundTrip(request *http.Request) (*http.Response, error) {
	for end := time.Now().Add(rightsPatience); ; {
		response, err := r.next.RoundTrip(request)
		if err != nil || response.StatusCode != http.StatusForbidden || time.Now().After(end) {
			return response, err
		}
		// The body of the first attempt is consumed. GetBody, which net/http sets for a body in memory, returns it
		// again.
		again, err := cloneRequest(request)
		if err != nil || again == nil {
			return response, err
		}
		select {
		case <-request.Context().Done():
			return response, nil
		case <-time.After(pollInterval):
		}
		response.Body.Close()
		request = again
	}
}

// cloneRequest returns the request to be sent a second time, or nil if its body cannot be read again.
func cloneRequest(request *http.Request) (*http.Request, error) {
	again := request.Clone(request.Context())
	if request.Body == nil || request.Body == http.NoBody {
		return again, nil
	}
	if request.GetBody == nil {
		return nil, nil
	}
	body, err := request.GetBody()
	again.Body = body
	return again, err
}
