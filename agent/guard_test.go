package agent

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/agent/kernel"
)

func TestWantedGuard(t *testing.T) {
	t.Parallel()
	ranges := []netip.Prefix{
		netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("172.20.0.0/16"), netip.MustParsePrefix("fd12::1:0/112"),
	}
	for _, tt := range []struct {
		name  string
		nodes []string
		want  string
	}{
		{
			"alone",
			[]string{node1},
			"[] [[172.20.0.0-172.20.255.255 192.168.0.0-192.168.255.255] [fd12::1:0-fd12::1:ffff]] [[] []]",
		},
		{
			"others, one of which has no range yet",
			[]string{node1, node2, node3, "n4 10.2.0.9 fd12::2:9 - -"},
			"[] [[172.20.0.0-172.20.255.255 192.168.0.0-192.168.255.255] [fd12::1:0-fd12::1:ffff]] " +
				"[[172.20.0.0-172.20.1.255 192.168.2.0-192.168.2.255] [fd12::1:200-fd12::1:2ff fd12::1:8000-fd12::1:81ff]]",
		},
		{
			"a node in the pods' ranges is a node",
			[]string{node1, "n2 192.168.255.255 fd12::1:0 - -"},
			"[] [[172.20.0.0-172.20.255.255 192.168.0.0-192.168.255.254] [fd12::1:1-fd12::1:ffff]] [[] []]",
		},
	} {
		guard, err := viewOf(t, false, tt.nodes...).wantedGuard(kernel.State{}, ranges)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(guard.HostLinks, guard.PodRanges, guard.OtherNodes); got != tt.want {
			t.Errorf("%s: guard is\n%s, want\n%s", tt.name, got, tt.want)
		}
	}
}

func TestHostLinks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, links, want string }{
		{"a pod's end has the gateway's addresses", "veth1=192.168.1.1/32,fd12::1:101/128,fe80::1/64", ""},
		{"a pod's end, a moment after it was made", "veth1=", ""},
		{"of a range that the node had before", "veth1=192.168.9.1/32,fd12::1:901/128", ""},
		{"of a pod with a link-local address of IPv4", "veth1=169.254.1.1/16", ""},
		{"the uplink of a host that is a container", "veth1=192.168.1.1/32 eth0=10.2.0.5/16,fd12::2:5/108", "eth0"},
		{"an uplink whose prefixes hold nobody else", "eth0=10.2.0.5/32 eth1=fd12::2:5/128", "eth0 eth1"},
		{"what else the host has", "b=10.9.0.1/24 a=fd99::1/64", "a b"},
	} {
		var state kernel.State
		for i, words := range strings.Fields(tt.links) {
			name, addresses, _ := strings.Cut(words, "=")
			state.Links = append(state.Links, kernel.Link{Index: i, Name: name, Kind: "veth"})
			for address := range strings.SplitSeq(addresses, ",") {
				if prefix, err := netip.ParsePrefix(address); err == nil {
					state.Addresses = append(state.Addresses, kernel.Address{Addr: prefix.Addr(), Bits: prefix.Bits(), Link: i})
				}
			}
		}
		state.Links = append(state.Links, kernel.Link{Index: 77, Name: "ens3", Kind: "device"})
		state.Addresses = append(state.Addresses, kernel.Address{Addr: netip.MustParseAddr("10.3.0.5"), Bits: 24, Link: 77})
		if got := viewOf(t, false, node1).hostLinks(state); !slices.Equal(got, strings.Fields(tt.want)) {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
