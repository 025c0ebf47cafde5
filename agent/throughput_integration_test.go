//go:build integration

package agent

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/agent/internal/nettest"
	"github.com/dualstrap/dualstrap/agent/kernel"
	"github.com/dualstrap/dualstrap/internal/family"
)

// BenchmarkPodToPod sends one TCP stream between two pods of a node, alternately with and without the agent's rules for
// pods, which cost one more lookup per packet of either side. Other load on the machine disturbs single turns, so the
// median over all pairs of turns counts. A turn takes half a second: the kernel goes on to dismantle the previous rules in
// the background, which takes milliseconds, and would be a part of what is measured.
func BenchmarkPodToPod(b *testing.B) {
	const amount = 1 << 30
	node := nettest.New(b, "node")
	node.Run("sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; echo 1 >/proc/sys/net/ipv4/ip_forward")
	for _, f := range family.All() {
		b.Run(f.String(), func(b *testing.B) {
			from := benchPod(node, fmt.Sprintf("a%d", f), family.Pair[string]{"192.168.1.2", "fd12::1:102"}[f])
			to := benchPod(node, fmt.Sprintf("b%d", f), family.Pair[string]{"192.168.1.3", "fd12::1:103"}[f])
			listener := to.Listen(net.JoinHostPort(family.Pair[string]{"192.168.1.3", "fd12::1:103"}[f], mirrorPort))
			go swallow(listener)
			turn := func(rules kernel.Rules) float64 {
				if err := node.Do(func() error { return kernel.WriteRules(rules, nil) }); err != nil {
					b.Fatal(err)
				}
				return amount / stream(b, from, listener.Addr().String(), amount).Seconds() / 1e6
			}
			none, all := kernel.Rules{}, kernel.Rules{Guard: benchGuard()}
			var without, with, ratios []float64
			for i := 0; b.Loop(); i++ {
				var one, other float64
				if i%2 == 0 { // the second turn of a pair is faster, so the order alternates
					one, other = turn(none), turn(all)
				} else {
					other, one = turn(all), turn(none)
				}
				without, with, ratios = append(without, one), append(with, other), append(ratios, 100*other/one)
			}
			b.ReportMetric(median(without), "MB/s-without")
			b.ReportMetric(median(with), "MB/s-with")
			b.ReportMetric(median(ratios), "%-of-without")
		})
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// benchGuard returns the guard of a node in a large cluster.
func benchGuard() *kernel.Guard {
	guard := &kernel.Guard{PodRanges: family.Pair[[]netipx.IPRange]{
		{netipx.RangeOfPrefix(netip.MustParsePrefix("192.168.0.0/16"))}, {netipx.RangeOfPrefix(netip.MustParsePrefix("fd12::1:0/112"))},
	}}
	for i := 4; i < 250; i += 2 { // so that no two ranges adjoin
		guard.OtherNodes[family.IPv4] = append(guard.OtherNodes[family.IPv4],
			netipx.RangeOfPrefix(netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, byte(i), 0}), 24)))
		guard.OtherNodes[family.IPv6] = append(guard.OtherNodes[family.IPv6],
			netipx.RangeOfPrefix(netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfd, 1: 0x12, 13: 1, 14: byte(i)}), 120)))
	}
	return guard
}

// benchPod connects a namespace in the same way as the plugin ptp.
func benchPod(node *nettest.Namespace, name, address string) *nettest.Namespace {
	pod := nettest.New(node.TB(), name)
	family, gateway, bits, nodad := "-4", "169.254.1.1", "32", ""
	if strings.Contains(address, ":") {
		family, gateway, bits, nodad = "-6", "fe80::1", "128", " nodad"
	}
	link := "veth" + pod.Name[len(pod.Name)-8:]
	node.Run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", pod.Name)
	node.Run(strings.Fields("ip address add " + gateway + "/" + bits + " dev " + link + nodad)...)
	node.Run("ip", "link", "set", link, "up")
	pod.Run(strings.Fields("ip address add " + address + "/" + bits + " dev eth0" + nodad)...)
	pod.Run("ip", "link", "set", "eth0", "up")
	pod.Run("ip", family, "route", "add", gateway, "dev", "eth0")
	pod.Run("ip", family, "route", "add", "default", "via", gateway, "dev", "eth0")
	node.Run("ip", family, "route", "add", address, "dev", link)
	return pod
}

// stream sends a number of bytes and waits until the receiver has read all of them.
func stream(b *testing.B, from *nettest.Namespace, to string, amount int64) time.Duration {
	b.Helper()
	var conn net.Conn
	nettest.Eventually(b, "pod to pod", func() (err error) { // addresses are tentative at first
		conn, err = from.Dial(b.Context(), to)
		return err
	})
	defer conn.Close()
	began := time.Now()
	chunk := make([]byte, 1<<20)
	for sent := int64(0); sent < amount; sent += int64(len(chunk)) {
		if _, err := conn.Write(chunk); err != nil {
			b.Fatal(err)
		}
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil { // the dialer was told to use TCP
		b.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

// swallow reads and discards what arrives over connections, and closes each at its end.
func swallow(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(io.Discard, conn) // the sender notices
			_ = conn.Close()
		}()
	}
}
