package agent

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/dualstrap/dualstrap/agent/kernel"
	"github.com/dualstrap/dualstrap/internal/family"
)

func TestRouteChanges(t *testing.T) {
	t.Parallel()
	route := func(dst, via string, protocol int) kernel.Route {
		return kernel.Route{Dst: netip.MustParsePrefix(dst), Via: netip.MustParseAddr(via), Link: uplinkIndex, Protocol: protocol}
	}
	const static = 4
	have := []kernel.Route{
		route("192.168.2.0/24", "10.2.0.6", kernel.Protocol),   // as wanted
		route("192.168.3.0/24", "10.2.0.7", kernel.Protocol),   // of a removed node
		route("192.168.4.0/24", "10.2.0.8", kernel.Protocol),   // of a node whose address has changed
		route("192.168.5.0/24", "10.2.0.9", static),            // of another program
		route("fd12::1:300/120", "fd12::2:7", kernel.Protocol), // of the other family
	}
	want := []kernel.Route{
		route("192.168.2.0/24", "10.2.0.6", kernel.Protocol),
		route("192.168.4.0/24", "10.2.0.18", kernel.Protocol),
		route("192.168.5.0/24", "10.2.0.9", kernel.Protocol), // adding it fails with an error
	}
	got := routeChanges(family.IPv4, have, want)
	if !slices.Equal(got.remove, have[1:3]) || !slices.Equal(got.add, want[1:]) {
		t.Errorf("changes are %v", got)
	}
}

func TestProxyChanges(t *testing.T) {
	t.Parallel()
	proxy := func(addr string, link, protocol int) kernel.Proxy {
		return kernel.Proxy{Addr: netip.MustParseAddr(addr), Link: link, Protocol: protocol}
	}
	pods := netip.MustParsePrefix("fd12::1:100/120")
	have := []kernel.Proxy{
		proxy("fd12::1:102", uplinkIndex, kernel.Protocol), // as wanted
		proxy("fd12::1:103", uplinkIndex, 0),               // wanted, regardless of who made it
		proxy("fd12::1:1fe", uplinkIndex, 0),               // of no pod, regardless of who made it
		proxy("fd12::1:104", 9, kernel.Protocol),           // on the previous uplink
		proxy("fd12::1:702", uplinkIndex, kernel.Protocol), // of the node's previous range
		proxy("fd12::4:1", uplinkIndex, 0),                 // of another program
		proxy("10.2.65.2", uplinkIndex, kernel.Protocol),   // of the other family
	}
	want := []kernel.Proxy{
		proxy("fd12::1:102", uplinkIndex, kernel.Protocol), proxy("fd12::1:103", uplinkIndex, kernel.Protocol),
		proxy("fd12::1:104", uplinkIndex, kernel.Protocol),
	}
	got := proxyChanges(family.IPv6, pods, have, want)
	if !slices.Equal(got.remove, have[2:5]) || !slices.Equal(got.add, want[2:]) {
		t.Errorf("changes are %v", got)
	}
}

func TestApplyGoesOnAfterFailures(t *testing.T) {
	t.Parallel()
	odd := func(n int) error {
		if n%2 == 1 {
			return fmt.Errorf("cannot have %d", n)
		}
		return nil
	}
	made, err := apply(changes[int]{remove: []int{1, 2}, add: []int{3, 4, 5}}, odd, odd)
	if !slices.Equal(made.remove, []int{2}) || !slices.Equal(made.add, []int{4}) {
		t.Errorf("made %v", made)
	}
	if err == nil || err.Error() != "cannot have 1 (and 2 failures more)" {
		t.Errorf("error is %v", err)
	}
	if made, err := apply(changes[int]{}, odd, odd); err != nil || made.count() != 0 {
		t.Errorf("nothing to do gives %v, %v", made, err)
	}
}

// kernelModel models a kernel's routes and proxies of one family.
type kernelModel struct {
	routes  map[kernel.Route]bool
	proxies map[kernel.Proxy]bool
}

func applied[T comparable](have map[T]bool, c changes[T]) []T {
	for _, item := range c.remove {
		delete(have, item)
	}
	for _, item := range c.add {
		have[item] = true
	}
	var now []T
	for item := range have {
		now = append(now, item)
	}
	return now
}

// FuzzConverge checks that, from any state of a kernel, one round reaches the desired state, keeps what belongs to
// other programs, and leaves nothing to do for the next round. Every six bytes of the input are a route, a proxy or a
// node.
func FuzzConverge(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 1, 1, 2, 2, 6, 0, 2, 2, 1, 3, 4, 213}, true)
	f.Add([]byte("0100170"), true)
	f.Add([]byte{2, 1, 2, 4, 7, 0, 2, 2, 2, 4, 7, 0, 2, 1, 1, 4, 7, 1}, false)
	f.Fuzz(func(t *testing.T, data []byte, flat bool) {
		nodes := parseNodes(node1)
		model := kernelModel{map[kernel.Route]bool{}, map[kernel.Proxy]bool{}}
		for chunk := range slices.Chunk(data, 6) {
			if len(chunk) < 6 {
				break
			}
			addr := netip.AddrFrom4([4]byte{192, 168, chunk[1] & 3, chunk[2]})
			protocol := map[bool]int{true: kernel.Protocol, false: int(chunk[5] & 3)}[chunk[5]&4 != 0]
			link := int(chunk[4]&1)*5 + uplinkIndex
			switch chunk[0] & 3 {
			case 0:
				model.routes[kernel.Route{Dst: netip.PrefixFrom(addr, 32), Link: link, Protocol: protocol}] = true
			case 1:
				model.proxies[kernel.Proxy{Addr: addr, Link: link, Protocol: protocol}] = true
			default:
				prefix, _ := addr.Prefix(20 + int(chunk[3]&15)%13)
				via := netip.AddrFrom4([4]byte{10, 2, 0, byte(binary.BigEndian.Uint16(chunk[4:]))})
				other := Node{Name: fmt.Sprint("other", len(nodes))}
				other.Addrs[family.IPv4], other.Pods[family.IPv4] = via, prefix
				nodes = append(nodes, other)
			}
		}
		converge(t, nodes, model, flat)
	})
}

func converge(t *testing.T, nodes []Node, model kernelModel, flat bool) {
	t.Helper()
	v, _ := viewFrom("n1", nodes, flat)
	pods := v.self.Pods[family.IPv4]
	foreign := map[any]bool{}
	for route := range model.routes {
		foreign[route] = route.Protocol != kernel.Protocol
	}
	for proxy := range model.proxies {
		foreign[proxy] = proxy.Protocol != kernel.Protocol && !pods.Contains(proxy.Addr)
	}
	for round := range 2 {
		haveRoutes := applied(model.routes, changes[kernel.Route]{})
		wantRoutes, _ := v.wantedRoutes(family.IPv4, uplink())
		wantProxies := v.wantedProxies(family.IPv4, uplink(), haveRoutes)
		if !flat && len(wantProxies) > 0 {
			t.Fatalf("proxies on an island: %v", wantProxies)
		}
		for i, route := range wantRoutes {
			if pods.Overlaps(route.Dst) || i > 0 && wantRoutes[i-1].Dst.Overlaps(route.Dst) {
				t.Fatalf("%v overlaps", route)
			}
		}
		routes := routeChanges(family.IPv4, haveRoutes, wantRoutes)
		proxies := proxyChanges(family.IPv4, pods, applied(model.proxies, changes[kernel.Proxy]{}), wantProxies)
		if round == 1 && routes.count()+proxies.count() > 0 {
			t.Fatalf("the second round changes %v and %v", routes, proxies)
		}
		for _, route := range routes.remove {
			if foreign[route] {
				t.Fatalf("removes %v", route)
			}
		}
		for _, proxy := range proxies.remove {
			if foreign[proxy] {
				t.Fatalf("removes %v", proxy)
			}
		}
		applied(model.routes, routes)
		applied(model.proxies, proxies)
	}
}

// BenchmarkRound measures a round without its system calls, in a cluster of 5,000 nodes of which one has changed, on a
// node with 250 pods.
func BenchmarkRound(b *testing.B) {
	const count, pods = 5000, 250
	nodes := parseNodes(node1)
	for i := range count - 1 {
		high, low := byte(i>>8), byte(i)
		nodes = append(nodes, Node{
			Name: fmt.Sprintf("node%d", i),
			Addrs: family.Pair[netip.Addr]{
				netip.AddrFrom4([4]byte{10, 2, 16 + high, low}),
				netip.AddrFrom16([16]byte{0xfd, 0x12, 12: 0, 13: 2, 14: 16 + high, 15: low}),
			},
			Pods: family.Pair[netip.Prefix]{
				netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64 + high, low, 0}), 24),
				netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfd, 0x12, 12: 1, 13: high, 14: low}), 120),
			},
		})
	}
	v, _ := viewFrom("n1", nodes, false)
	var state kernel.State
	for _, f := range family.All() {
		routes, err := v.wantedRoutes(f, uplink())
		if err != nil || len(routes) != count-1 {
			b.Fatalf("%d routes, %v", len(routes), err)
		}
		state.Routes = append(state.Routes, routes...)
	}
	addr := v.self.Pods[family.IPv6].Addr()
	for range pods {
		addr = addr.Next()
		state.Routes = append(state.Routes, kernel.Route{Dst: netip.PrefixFrom(addr, 128), Link: podIndex, Protocol: 3})
	}
	state.Proxies = v.wantedProxies(family.IPv6, uplink(), state.Routes)
	nodes[count/2].Addrs[family.IPv4] = netip.MustParseAddr("10.2.200.1")
	for b.Loop() {
		v, _ := viewFrom("n1", nodes, false)
		changed := 0
		for _, f := range family.All() {
			routes, _ := v.wantedRoutes(f, uplink())
			changed += routeChanges(f, state.Routes, routes).count()
			proxies := v.wantedProxies(f, uplink(), state.Routes)
			changed += proxyChanges(f, v.self.Pods[f], state.Proxies, proxies).count()
		}
		if _, err := v.wantedNAT(uplink()); err != nil || changed != 2 {
			b.Fatalf("%d changes, %v", changed, err)
		}
	}
}
