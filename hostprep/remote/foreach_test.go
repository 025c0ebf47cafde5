package remote_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

func TestForEach(t *testing.T) {
	t.Parallel()
	hosts := loopback(500)
	var now, most atomic.Int64
	results, err := remote.ForEach(t.Context(), hosts, 7, func(_ context.Context, host netip.Addr) (string, error) {
		at := now.Add(1)
		for seen := most.Load(); at > seen && !most.CompareAndSwap(seen, at); seen = most.Load() {
			continue
		}
		defer now.Add(-1)
		return "of " + host.String(), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, host := range hosts {
		if results[i] != "of "+host.String() {
			t.Fatalf("result %d is %q", i, results[i])
		}
	}
	if most.Load() > 7 {
		t.Errorf("%d at once", most.Load())
	}
}

// One host that hangs keeps nobody but itself: all others are done before it is let go.
func TestForEachHasNoBarrier(t *testing.T) {
	t.Parallel()
	hosts := loopback(100)
	var done atomic.Int64
	others := make(chan struct{})
	_, err := remote.ForEach(t.Context(), hosts, 2, func(_ context.Context, host netip.Addr) (struct{}, error) {
		if host == hosts[0] {
			<-others
		} else if done.Add(1) == int64(len(hosts)-1) {
			close(others)
		}
		return struct{}{}, nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestForEachErrors(t *testing.T) {
	t.Parallel()
	var hosts []netip.Addr
	for _, host := range []string{"fd12::2:4", "10.2.0.10", "10.2.0.9", "10.2.0.8"} {
		hosts = append(hosts, netip.MustParseAddr(host))
	}
	_, err := remote.ForEach(t.Context(), hosts, 0, func(_ context.Context, host netip.Addr) (int, error) {
		if host == hosts[3] {
			return 0, nil
		}
		return 0, &remote.Error{Doing: "x", Reason: remote.ErrRefused, Try: "y"}
	})
	want := "10.2.0.9: x: connection refused\n10.2.0.10: x: connection refused\nfd12::2:4: x: connection refused"
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	reason(t, err, remote.ErrRefused)
	var host *remote.HostError
	if !errors.As(err, &host) || host.Host != hosts[2] {
		t.Errorf("first failed host: %v", host)
	}
}

func TestForEachEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	begun := 0
	_, err := remote.ForEach(ctx, loopback(10), 1, func(context.Context, netip.Addr) (int, error) {
		begun++
		cancel()
		return 0, nil
	})
	if begun != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d begun, error %v", begun, err)
	}
}
