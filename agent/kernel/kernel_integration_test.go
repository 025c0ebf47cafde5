//go:build integration

package kernel_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/agent/internal/nettest"
	"github.com/dualstrap/dualstrap/agent/kernel"
)

// inside opens the kernel in a namespace with an uplink, and calls f there.
func inside(t *testing.T, f func(host *nettest.Namespace, k *kernel.Kernel, uplink int)) {
	t.Helper()
	host := nettest.NewL2(t).Host(t, "kernel", "10.2.0.5/16", "fd12::2:5/108")
	if err := host.Do(func() error {
		k, err := kernel.Open()
		if err != nil {
			return err
		}
		defer k.Close()
		state := read(t, k)
		at := slices.IndexFunc(state.Links, func(l kernel.Link) bool { return l.Name == "eth0" })
		f(host, k, state.Links[at].Index)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, k *kernel.Kernel) kernel.State {
	t.Helper()
	state, err := k.Read()
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestIntegrationRoutes(t *testing.T) {
	t.Parallel()
	inside(t, func(host *nettest.Namespace, k *kernel.Kernel, uplink int) {
		for _, words := range []string{"192.168.2.0/24 10.2.0.6", "fd12::1:200/120 fd12::2:6"} {
			dst, via, _ := strings.Cut(words, " ")
			route := kernel.Route{
				Dst: netip.MustParsePrefix(dst), Via: netip.MustParseAddr(via), Link: uplink, Protocol: kernel.Protocol,
			}
			must(t, k.AddRoute(route))
			if state := read(t, k); !slices.Contains(state.Routes, route) {
				t.Errorf("%v is not among %v", route, state.Routes)
			}
			family := "-4"
			if route.Dst.Addr().Is6() {
				family = "-6"
			}
			if shown := host.Run("ip", family, "route", "show", "proto", "213", dst); !strings.Contains(shown, via) {
				t.Errorf("ip shows %q", shown)
			}
			if err := k.AddRoute(route); err == nil || !strings.Contains(err.Error(), "that the agent did not make") {
				t.Errorf("a second route: %v", err)
			}
			// Deleting the agent's route leaves a third-party route to the same range.
			host.Run("ip", "route", "append", dst, "via", via, "dev", "eth0", "proto", "static", "metric", "7")
			must(t, k.DeleteRoute(route))
			must(t, k.DeleteRoute(route)) // missing already
			if shown := host.Run("ip", family, "route", "show", dst); !strings.Contains(shown, "proto static") || strings.Contains(shown, "213") {
				t.Errorf("ip shows %q, want the static route alone", shown)
			}
		}
		if err := k.AddRoute(kernel.Route{
			Dst: netip.MustParsePrefix("192.168.3.0/24"), Via: netip.MustParseAddr("198.51.100.1"), Link: uplink, Protocol: kernel.Protocol,
		}); err == nil {
			t.Error("a route over a gateway that is not on the link was taken")
		}
	})
}

func TestIntegrationProxies(t *testing.T) {
	t.Parallel()
	inside(t, func(host *nettest.Namespace, k *kernel.Kernel, uplink int) {
		for _, addr := range []string{"10.2.65.2", "fd12::1:102"} {
			proxy := kernel.Proxy{Addr: netip.MustParseAddr(addr), Link: uplink, Protocol: kernel.Protocol}
			must(t, k.AddProxy(proxy))
			must(t, k.AddProxy(proxy)) // existing already
			if state := read(t, k); !slices.Contains(state.Proxies, proxy) {
				t.Errorf("%v is not among %v", proxy, state.Proxies)
			}
			if shown := host.Run("ip", "neighbour", "show", "proxy"); !strings.Contains(shown, addr+" dev eth0") {
				t.Errorf("ip shows %q", shown)
			}
			must(t, k.DeleteProxy(proxy))
			must(t, k.DeleteProxy(proxy)) // missing already
			host.Run("ip", "neighbour", "add", "proxy", addr, "dev", "eth0")
			if state := read(t, k); !slices.Contains(state.Proxies, kernel.Proxy{Addr: proxy.Addr, Link: uplink}) {
				t.Errorf("another's proxy is not among %v, or is marked as the agent's", state.Proxies)
			}
		}
	})
}

func TestIntegrationRemoveTables(t *testing.T) {
	t.Parallel()
	inside(t, func(host *nettest.Namespace, _ *kernel.Kernel, _ int) {
		host.Run("nft", "add table ip one; add table ip6 one; add table inet one; add table ip two; "+
			"add chain ip one c; add rule ip one c counter")
		for range 2 { // the second time they are missing already
			must(t, kernel.RemoveTables([]string{"ip one", "inet one", "ip missing"}))
			if tables := host.Run("nft", "list", "tables"); strings.TrimSpace(tables) != "table ip two\ntable ip6 one" &&
				strings.TrimSpace(tables) != "table ip6 one\ntable ip two" {
				t.Errorf("tables are %q", tables)
			}
		}
	})
}

func TestIntegrationWatch(t *testing.T) {
	t.Parallel()
	host := nettest.NewL2(t).Host(t, "watch", "10.2.0.5/16", "fd12::2:5/108")
	events := make(chan struct{}, 1000)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- host.Do(func() error { return kernel.Watch(ctx, func() { events <- struct{}{} }) })
	}()
	<-events // the watch has started
	for _, change := range []string{
		"ip link add v0 type veth peer name v1",
		"ip link set v0 up",
		"ip address add 10.9.0.1/24 dev v0",
		"ip address add fd99::1/64 dev v0 nodad",
		"ip route add 192.168.1.2/32 dev eth0",
		"ip route add fd12::1:102/128 dev eth0",
	} {
		for len(events) > 0 {
			<-events
		}
		host.Run(strings.Fields(change)...)
		<-events // otherwise the test times out
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("watching ended with %v", err)
	}
}

func TestIntegrationSysctls(t *testing.T) {
	t.Parallel()
	inside(t, func(host *nettest.Namespace, _ *kernel.Kernel, _ int) {
		sysctls := kernel.Sysctls("/proc/sys/net")
		wanted := kernel.Sysctl{Path: "ipv6/neigh/eth0/proxy_delay", Value: "0"}
		for _, want := range []bool{true, false} {
			if changed, err := sysctls.Set(wanted); changed != want || err != nil {
				t.Errorf("changed is %t, %v; want %t", changed, err, want)
			}
		}
		if value := host.Run("cat", "/proc/sys/net/"+wanted.Path); strings.TrimSpace(value) != "0" {
			t.Errorf("value is %s", value)
		}
		if _, err := sysctls.Set(kernel.Sysctl{Path: "ipv6/neigh/eth9/proxy_delay", Value: "0"}); err == nil {
			t.Error("there is no eth9")
		}
	})
}
