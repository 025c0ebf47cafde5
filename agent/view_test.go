package agent

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dualstrap/dualstrap/agent/kernel"
	"github.com/dualstrap/dualstrap/internal/family"
)

const (
	uplinkIndex = 2
	podIndex    = 7
)

// parseNode parses "NAME ADDR4 ADDR6 PODS4 PODS6". A dash stands for a missing value.
func parseNode(words string) Node {
	field := strings.Fields(words)
	node := Node{Name: field[0]}
	for i := range 2 {
		node.Addrs[i], _ = netip.ParseAddr(field[1+i])
		node.Pods[i], _ = netip.ParsePrefix(field[3+i])
	}
	return node
}

func parseNodes(lines ...string) []Node {
	var nodes []Node
	for _, line := range lines {
		nodes = append(nodes, parseNode(line))
	}
	return nodes
}

const (
	node1 = "n1 10.2.0.5 fd12::2:5 192.168.1.0/24 fd12::1:100/120"
	node2 = "n2 10.2.0.6 fd12::2:6 192.168.2.0/24 fd12::1:200/120"
	node3 = "n3 10.2.0.7 fd12::2:7 172.20.0.0/23 fd12::1:8000/119"
)

func viewOf(tb testing.TB, flat bool, lines ...string) view {
	tb.Helper()
	v, ok := viewFrom("n1", parseNodes(lines...), flat)
	if !ok {
		tb.Fatal("no view")
	}
	return v
}

func uplink() kernel.Link { return kernel.Link{Index: uplinkIndex, Name: "eth0", MTU: 1500, Up: true} }

func TestNodeOf(t *testing.T) {
	t.Parallel()
	address := func(kind corev1.NodeAddressType, value string) corev1.NodeAddress {
		return corev1.NodeAddress{Type: kind, Address: value}
	}
	object := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "n1"},
		Spec:       corev1.NodeSpec{PodCIDRs: []string{"nonsense", "192.168.1.7/24", "10.0.0.0/8", "fd12::1:100/120"}},
		Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{
			address(corev1.NodeExternalIP, "203.0.113.1"), address(corev1.NodeHostName, "n1"), address(corev1.NodeInternalIP, "n1"),
			address(corev1.NodeInternalIP, "fd12::2:5"), address(corev1.NodeInternalIP, "::ffff:10.2.0.5"),
			address(corev1.NodeInternalIP, "10.2.0.99"),
		}},
	}
	if diff := cmp.Diff(parseNode(node1), NodeOf(object), cmp.Comparer(samePlain[Node])); diff != "" {
		t.Errorf("node (-want +got):\n%s", diff)
	}
	if got := NodeOf(&corev1.Node{}); got != (Node{}) {
		t.Errorf("an empty Node gives %v", got)
	}
}

// samePlain compares values with ==, for types without pointers.
func samePlain[T comparable](a, b T) bool { return a == b }

func TestViewNeedsItsOwnNode(t *testing.T) {
	t.Parallel()
	if v, ok := viewFrom("n1", parseNodes(node2, node3), false); ok {
		t.Errorf("a view without the node: %v", v)
	}
	if v := viewOf(t, false, node2, node1, node3); v.self != parseNode(node1) || len(v.others) != 2 {
		t.Errorf("view is %v", v)
	}
}

func TestUplink(t *testing.T) {
	t.Parallel()
	state := kernel.State{
		Links: []kernel.Link{{Index: 1, Name: "lo"}, uplink(), {Index: 3, Name: "eth1"}},
		Addresses: []kernel.Address{
			{Addr: netip.MustParseAddr("10.2.0.5"), Link: uplinkIndex},
			{Addr: netip.MustParseAddr("fd12::2:5"), Link: 3},
			{Addr: netip.MustParseAddr("10.2.0.77"), Link: 99},
		},
	}
	tests := []struct {
		node   string
		family family.Family
		want   string
	}{
		{node1, family.IPv4, "eth0"},
		{node1, family.IPv6, "eth1"}, // each family has its own uplink
		{"n1 - fd12::2:5 - -", family.IPv4, "has no IPv4 InternalIP"},
		{"n1 10.2.0.6 - - -", family.IPv4, "no interface holds 10.2.0.6"},
		{"n1 10.2.0.77 - - -", family.IPv4, "no interface holds 10.2.0.77"},
	}
	for _, tt := range tests {
		link, err := viewOf(t, false, tt.node).uplinkOf(tt.family, state)
		if got := fmt.Sprint(link.Name, err); !strings.Contains(got, tt.want) {
			t.Errorf("%s, %s: %s; want %s", tt.node, tt.family, got, tt.want)
		}
	}
}

func TestWantedRoutes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		nodes  []string
		family family.Family
		want   []string
		err    string
	}{
		{name: "none but its own", nodes: []string{node1}},
		{name: "IPv4 of two nodes", nodes: []string{node3, node1, node2}, want: []string{"172.20.0.0/23 10.2.0.7", "192.168.2.0/24 10.2.0.6"}},
		{
			name: "IPv6 of two nodes", nodes: []string{node3, node1, node2}, family: family.IPv6,
			want: []string{"fd12::1:200/120 fd12::2:6", "fd12::1:8000/119 fd12::2:7"},
		},
		{
			name:  "nodes that are not complete yet",
			nodes: []string{node1, "n2 10.2.0.6 - - -", "n3 - - 192.168.3.0/24 -", "n4 10.2.0.8 - 192.168.4.0/24 -"},
			want:  []string{"192.168.4.0/24 10.2.0.8"},
		},
		{name: "before its own ranges", nodes: []string{"n1 10.2.0.5 - - -", node2}, want: []string{"192.168.2.0/24 10.2.0.6"}},
		{
			name: "the same range twice", nodes: []string{node1, node2, "n3 10.2.0.7 - 192.168.2.0/24 -"},
			want: []string{"192.168.2.0/24 10.2.0.6"}, err: "cannot route to 1 pod range: 192.168.2.0/24 of node 10.2.0.7 overlaps",
		},
		{
			name: "a range inside of another", nodes: []string{node1, node2, "n3 10.2.0.7 - 192.168.2.128/25 -"},
			want: []string{"192.168.2.0/24 10.2.0.6"}, err: "overlaps 192.168.2.0/24 of node 10.2.0.6",
		},
		{name: "its own range", nodes: []string{node1, "n3 10.2.0.7 - 192.168.0.0/16 -"}, err: "overlaps this node's 192.168.1.0/24"},
		{name: "everything", nodes: []string{"n1 10.2.0.5 - - -", "n3 10.2.0.7 - 0.0.0.0/0 -"}, err: "holds addresses of nodes"},
		{
			name: "two mistakes", nodes: []string{node1, "n2 10.2.0.6 - 10.2.0.0/24 -", "n3 10.2.0.7 - 192.168.1.0/24 -"},
			err: "cannot route to 2 pod ranges: 10.2.0.0/24 of node 10.2.0.6 holds addresses of nodes",
		},
	}
	for _, tt := range tests {
		routes, err := viewOf(t, false, tt.nodes...).wantedRoutes(tt.family, uplink())
		var got []string
		for _, route := range routes {
			got = append(got, fmt.Sprint(route.Dst, " ", route.Via))
			if route.Link != uplinkIndex || route.Protocol != kernel.Protocol {
				t.Errorf("%s: %v is not the agent's on the uplink", tt.name, route)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.err)
		}
	}
}

// hostRoutes returns routes that the kernel of n1 may have: to two pods of each family, and to destinations that are
// not pods.
func hostRoutes() []kernel.Route {
	route := func(dst string, link, protocol int) kernel.Route {
		return kernel.Route{Dst: netip.MustParsePrefix(dst), Link: link, Protocol: protocol}
	}
	const boot, static = 3, 4
	return []kernel.Route{
		route("192.168.1.2/32", podIndex, boot),
		route("fd12::1:102/128", podIndex, boot),
		route("192.168.1.3/32", podIndex+1, static), // any protocol: plugins do not set one of their own
		route("fd12::1:103/128", podIndex+1, static),
		route("192.168.1.1/32", podIndex, kernel.ProtocolKernel), // the gateway's address on the pod's link
		route("fd12::1:101/128", podIndex, kernel.ProtocolKernel),
		route("192.168.1.4/32", uplinkIndex, boot), // on the uplink, so not a pod of this node
		route("fd12::1:104/128", uplinkIndex, boot),
		route("192.168.1.128/25", podIndex, boot), // not a host route
		route("fd12::1:180/121", podIndex, boot),
		route("192.168.2.2/32", podIndex, boot), // of another node
		route("fd12::1:202/128", podIndex, boot),
		route("fd12::5:1/128", podIndex, boot), // of a Service
		route("172.16.0.10/32", podIndex, boot),
		route("10.2.0.0/24", uplinkIndex, kernel.ProtocolKernel),
	}
}

func TestWantedProxies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		self   string
		family family.Family
		flat   bool
		want   string
	}{
		{"IPv6", node1, family.IPv6, false, "fd12::1:102 fd12::1:103"},
		{"IPv4 on an island", node1, family.IPv4, false, ""},
		{"flat IPv4", node1, family.IPv4, true, "192.168.1.2 192.168.1.3"},
		{"before there are ranges", "n1 10.2.0.5 fd12::2:5 - -", family.IPv6, true, ""},
	}
	for _, tt := range tests {
		proxies := viewOf(t, tt.flat, tt.self, node2).wantedProxies(tt.family, uplink(), hostRoutes())
		var got []string
		for _, proxy := range proxies {
			got = append(got, proxy.Addr.String())
			if proxy.Link != uplinkIndex || proxy.Protocol != kernel.Protocol {
				t.Errorf("%s: %v is not the agent's on the uplink", tt.name, proxy)
			}
		}
		if joined := strings.Join(got, " "); joined != tt.want {
			t.Errorf("%s: proxies are %q, want %q", tt.name, joined, tt.want)
		}
	}
}

func TestWantedNAT(t *testing.T) {
	t.Parallel()
	nat, err := viewOf(t, false, node1, node2, node3, "n4 10.2.0.9 - - -").wantedNAT(uplink())
	if err != nil {
		t.Fatal(err)
	}
	want := "{[10.2.0.5-10.2.0.7 10.2.0.9-10.2.0.9 172.20.0.0-172.20.1.255 192.168.1.0-192.168.2.255] [192.168.1.0-192.168.1.255] eth0}"
	if got := fmt.Sprint(*nat); got != want {
		t.Errorf("NAT is %s, want %s", got, want)
	}
	if nat, err := viewOf(t, true, node1, node2).wantedNAT(uplink()); nat != nil || err != nil {
		t.Errorf("flat IPv4 has NAT: %v, %v", nat, err)
	}
}

func TestWantedSysctls(t *testing.T) {
	t.Parallel()
	tests := []struct {
		flat       bool
		uplinks    family.Pair[kernel.Link]
		has, lacks string
	}{
		{false, family.Pair[kernel.Link]{uplink(), uplink()}, "ipv6/neigh/eth0/proxy_delay", "ipv4/neigh/eth0/proxy_delay"},
		{true, family.Pair[kernel.Link]{uplink(), uplink()}, "ipv4/neigh/eth0/proxy_delay", "accept_ra"},
		{true, family.Pair[kernel.Link]{}, "ipv6/conf/all/proxy_ndp", "proxy_delay"},
		{true, family.Pair[kernel.Link]{{Name: "bond0.100"}, {}}, "ipv4/conf/bond0.100/send_redirects", "keep_addr_on_down"},
	}
	for _, tt := range tests {
		sysctls := viewOf(t, tt.flat, node1).wantedSysctls(tt.uplinks)
		if sysctls[0].Path != "ipv4/ip_forward" {
			t.Errorf("%s is before ip_forward, which resets it", sysctls[0].Path)
		}
		if all := fmt.Sprint(sysctls); !strings.Contains(all, tt.has) || strings.Contains(all, tt.lacks) {
			t.Errorf("flat %t: want %s and no %s: %s", tt.flat, tt.has, tt.lacks, all)
		}
	}
}

func TestWantedCNI(t *testing.T) {
	t.Parallel()
	small := kernel.Link{MTU: 1400}
	content, err := viewOf(t, false, node1).wantedCNI(family.Pair[kernel.Link]{uplink(), small})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"192.168.1.0/24"`, `"fd12::1:100/120"`, `"mtu": 1400`} {
		if !strings.Contains(string(content), part) {
			t.Errorf("no %s in:\n%s", part, content)
		}
	}
	for node, want := range map[string]string{
		"n1 - - - -":               "no IPv4 and no IPv6 podCIDR yet",
		"n1 - - 192.168.1.0/24 -":  "no IPv6 podCIDR yet",
		"n1 - - - fd12::1:100/120": "no IPv4 podCIDR yet",
	} {
		if content, err := viewOf(t, false, node).wantedCNI(family.Pair[kernel.Link]{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s, %v; want %q", node, content, err, want)
		}
	}
}
