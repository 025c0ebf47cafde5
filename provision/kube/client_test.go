package kube

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestPatientlyDialsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		left, right := net.Pipe()
		defer left.Close()  //nolint:errcheck // nothing was written
		defer right.Close() //nolint:errcheck // nothing was written
		conn, err := patiently(t.Context(), func(context.Context) (net.Conn, error) {
			if time.Since(begun) < dialPatience/2 {
				return nil, ErrNoAPIServer
			}
			return left, nil
		})
		if err != nil || conn != left {
			t.Errorf("it gives %v, %v", conn, err)
		}
		none := func(context.Context) (net.Conn, error) { return nil, ErrNoAPIServer }
		if conn, err := patiently(t.Context(), none); !errors.Is(err, ErrNoAPIServer) {
			t.Errorf("while there is none it gives %v, %v", conn, err)
		}
	})
}
