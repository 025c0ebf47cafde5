package facts

import (
	"net/netip"
	"testing"
)

// TestNetworkProbeScript verifies the form in which the script takes the probes. The size of an echo request is the MTU
// without the headers, which depend on the family.
func TestNetworkProbeScript(t *testing.T) {
	t.Parallel()
	probe := NetworkProbe{
		Reach: []Peer{
			{Address: netip.MustParseAddr("10.2.0.5"), Source: netip.MustParseAddr("10.2.0.4"), MTU: 1500, Port: 22},
			{Address: netip.MustParseAddr("fd12::2:5"), Source: netip.MustParseAddr("fd12::2:4"), MTU: 1400, Port: 2222},
		},
		Connect:      []netip.AddrPort{netip.MustParseAddrPort("10.2.0.175:443"), netip.MustParseAddrPort("[fd12::1]:6443")},
		Interface:    "eth0",
		ExpectUnused: []netip.Addr{netip.MustParseAddr("10.2.0.212"), netip.MustParseAddr("fd12::4:101")},
	}
	const others = "reach 10.2.0.5 10.2.0.4 1472 22\nreach fd12::2:5 fd12::2:4 1352 2222\n" +
		"connect 10.2.0.175 443\nconnect fd12::1 6443\n"
	for wait, want := range map[bool]string{
		false: others + "neighbours eth0 12 10.2.0.212 fd12::4:101",
		true:  others + "neighbours eth0 3 10.2.0.212 fd12::4:101",
	} {
		probe.ShortWait = wait
		script, err := probe.script()
		if got := script.Args["tasks"]; got != want || err != nil {
			t.Errorf("short wait %t: %v, tasks:\n%s\nwant:\n%s", wait, err, got, want)
		}
	}
}

func TestNetworkProbeIsEmpty(t *testing.T) {
	t.Parallel()
	address := netip.MustParseAddr("10.2.0.4")
	for name, test := range map[string]struct {
		probe NetworkProbe
		want  bool
	}{
		"an interface only": {NetworkProbe{Interface: "eth0"}, true},
		"a peer":            {NetworkProbe{Reach: []Peer{{Address: address}}}, false},
		"an endpoint":       {NetworkProbe{Connect: []netip.AddrPort{netip.AddrPortFrom(address, 443)}}, false},
		"an unused address": {NetworkProbe{ExpectUnused: []netip.Addr{address}}, false},
	} {
		if got := test.probe.IsEmpty(); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
}
