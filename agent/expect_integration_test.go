//go:build integration

package agent

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/agent/internal/nettest"
	"github.com/dualstrap/dualstrap/agent/kernel"
)

// state returns the state of the node's kernel.
func (h *host) state() (kernel.State, error) {
	var state kernel.State
	err := h.Do(func() error {
		connection, err := kernel.Open()
		if err != nil {
			return err
		}
		defer connection.Close()
		state, err = connection.Read()
		return err
	})
	return state, err
}

// proxies waits until the kernel answers for exactly these addresses.
func (h *host) proxies(what string, want ...netip.Addr) {
	h.site.t.Helper()
	want = slices.SortedFunc(slices.Values(want), netip.Addr.Compare) // a copy, because callers rely on the order of their slice
	nettest.Eventually(h.site.t, h.node.Name+" "+what, func() error {
		state, err := h.state()
		var got []netip.Addr
		for _, proxy := range state.Proxies {
			got = append(got, proxy.Addr)
		}
		slices.SortFunc(got, netip.Addr.Compare)
		if err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("%d proxies are %s, want %d: %s", len(got), got, len(want), want)
		}
		return err
	})
}

// routes waits until the agent's routes are exactly these, each as "DST VIA".
func (h *host) routes(what string, want ...string) {
	h.site.t.Helper()
	want = slices.Sorted(slices.Values(want))
	nettest.Eventually(h.site.t, h.node.Name+" "+what, func() error {
		state, err := h.state()
		var got []string
		for _, route := range state.Routes {
			if route.Protocol == kernel.Protocol {
				got = append(got, fmt.Sprint(route.Dst, " ", route.Via))
			}
		}
		slices.Sort(got)
		if err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("routes are %s, want %s", got, want)
		}
		return err
	})
}

// sees waits until a mirror at addr sees connections of from with the address want.
func sees(t *testing.T, what string, from *nettest.Namespace, addr netip.Addr, want string) {
	t.Helper()
	nettest.Eventually(t, what, func() error {
		seen, err := from.SeenAs(addr.String(), mirrorPort)
		if err == nil && seen != want {
			err = fmt.Errorf("%s sees %s, want %s", addr, seen, want)
		}
		return err
	})
}

// silent reports an error if any host on the L2 answers for an address.
func (s *site) silent(what string, addr string) {
	s.t.Helper()
	if seen, err := s.outside.SeenAs(addr, mirrorPort); err == nil {
		s.t.Errorf("%s: %s answers, and sees %s", what, addr, seen)
	}
	neighbour := s.outside.Run("ip", "neighbour", "show", addr, "dev", "eth0")
	if neighbour == "" || strings.Contains(neighbour, "lladdr") {
		s.t.Errorf("%s: the neighbour %s is %q: want that nobody answered", what, addr, neighbour)
	}
}
