package kube

import (
	"context"
	"net"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	// dialPatience is how long API servers may refuse connections before a request fails. The kubelet starts
	// one that died again within seconds.
	dialPatience = 20 * time.Second
	// rightsPatience is how long an API server may take to read who may do what. One that has just started
	// forbids everything until then, the administrator included.
	rightsPatience = 10 * time.Second
)

// dialRetry dials again while no API server can be reached: nothing has been sent yet.
func dialRetry(ctx context.Context, dial Dial) (conn net.Conn, err error) {
	waiting := wait.PollUntilContextTimeout(ctx, pollInterval, dialPatience, true, func(ctx context.Context) (bool, error) {
		next, failure := dial(ctx)
		if ctx.Err() == nil || err == nil { // what it failed with, not that time was up
			conn, err = next, failure
		}
		return failure == nil, nil
	})
	if err == nil && waiting != nil {
		return nil, waiting
	}
	return conn, err
}

// retryForbidden asks again where the administrator is told that something is forbidden: nothing was done.
type retryForbidden struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (a retryForbidden) RoundTrip(request *http.Request) (*http.Response, error) {
	for end := time.Now().Add(rightsPatience); ; {
		response, err := a.next.RoundTrip(request)
		if err != nil || response.StatusCode != http.StatusForbidden || time.Now().After(end) {
			return response, err
		}
		again, err := cloneRequest(request)
		if err != nil || again == nil {
			return response, err
		}
		select {
		case <-request.Context().Done():
			return response, nil
		case <-time.After(pollInterval):
		}
		response.Body.Close() //nolint:errcheck // what it says is known
		request = again
	}
}

// cloneRequest gives the same request anew; nil when what it sends cannot be sent again.
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
