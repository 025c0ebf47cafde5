package kube

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDialRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		left, right := net.Pipe()
		defer left.Close()
		defer right.Close()
		conn, err := dialRetry(t.Context(), func(context.Context) (net.Conn, error) {
			if time.Since(begun) < dialPatience/2 {
				return nil, ErrNoAPIServer
			}
			return left, nil
		})
		if err != nil || conn != left {
			t.Errorf("it gives %v, %v", conn, err)
		}
		none := func(context.Context) (net.Conn, error) { return nil, ErrNoAPIServer }
		if conn, err := dialRetry(t.Context(), none); !errors.Is(err, ErrNoAPIServer) {
			t.Errorf("while there is none it gives %v, %v", conn, err)
		}
	})
}

// starting is an API server that forbids every request for some time, as one does that has not read its RBAC rules yet.
type starting struct {
	until time.Time
	got   []string
}

func (s *starting) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	s.got = append(s.got, string(body))
	response := &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}
	if time.Now().Before(s.until) {
		response.StatusCode = http.StatusForbidden
	}
	return response, nil
}

func TestRetryForbidden(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		starts time.Duration
		want   int
	}{
		"it starts":       {rightsPatience / 2, http.StatusOK},
		"it is really so": {time.Hour, http.StatusForbidden},
		"it has been up":  {0, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &starting{until: time.Now().Add(test.starts)}
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api/", strings.NewReader("body"))
				if err != nil {
					t.Fatal(err)
				}
				response, err := retryForbidden{server}.RoundTrip(request)
				if err != nil || response.StatusCode != test.want {
					t.Errorf("it gives %+v, %v, want %d", response, err, test.want)
				}
				for _, body := range server.got {
					if body != "body" {
						t.Errorf("it sent %q", body)
					}
				}
			})
		})
	}
}
