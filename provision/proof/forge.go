package proof

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/dualstrap/dualstrap/api"
)

const (
	// forgerName is the container next to the server that has raw sockets, forgePort the port at which it accepts
	// orders.
	forgerName = "forger"
	forgePort  = 8081
	// dropsMetric is the agent's counter of packets that it dropped because of their source, agentPort the port of its
	// metrics.
	dropsMetric = `dualstrap_agent_dropped_packets_total{reason="pod-source"}`
	agentPort   = 10271
	// ownSource marks the packets with the pod's own address, which must arrive.
	ownSource = "itself"
)

// errNoRawSockets reports that the container runtime is configured not to give raw sockets to pods.
var errNoRawSockets = errors.New("no raw sockets")

// forgedPacket is a UDP datagram that a pod sends, most of them with a source address that is not the pod's.
type forgedPacket struct {
	// who describes the owner of the source address, for messages.
	who string
	// from and to are the addresses in the packet's headers.
	from netip.Addr
	to   netip.AddrPort
	// text is the payload, unique within the proof, by which the receiver finds the packet again.
	text string
}

// proveSourceAddress orders a pod to send packets with forged addresses, and then packets with its own. Packets take
// the same path in order, so once those with its own address have arrived, no forged one is still in transit.
func proveSourceAddress(ctx context.Context, s *testbed, on *subject) verdict {
	// The counter is cumulative, so only its growth during the check counts.
	before, err := eventually(ctx, func(ctx context.Context) (uint64, error) { return s.drops(ctx, on.node) })
	if err != nil {
		return unanswered(err, "the agent of %s does not say how many packets it has dropped", on.node.address())
	}
	// Payloads differ between proofs and between nodes, so that packets of another check are not counted here.
	about := fmt.Sprintf("%s-%s-", s.namespace[max(0, len(s.namespace)-6):], on.node.k8sIP())
	packets := s.forgedPackets(on, about)
	for _, packet := range packets {
		err := s.sendForged(ctx, on.node, packet)
		if errors.Is(err, errNoRawSockets) {
			return skipped("pods have no raw sockets here, and so nothing to forge addresses with")
		}
		if err != nil {
			return unanswered(err, "the pod on %s cannot send as %s", on.node.address(), packet.who)
		}
	}
	// Each forged packet must be missing at the receiver and counted by the agent. Without the counter, packets that were
	// lost on the way would pass for dropped ones.
	forged := len(packets) - countOwn(packets)
	var heard []string
	counted, err := eventually(ctx, func(ctx context.Context) (uint64, error) {
		var err error
		if heard, err = s.received(ctx, on.peer, about); err != nil {
			return 0, err
		}
		if missing := notReceived(packets, heard); missing != "" {
			return 0, fmt.Errorf("what the pod sent with its own address %s has not arrived", missing)
		}
		after, err := s.drops(ctx, on.node)
		if err == nil {
			err = checkGrowth(before, after, uint64(forged))
		}
		return after - before, err
	})
	// A forged packet that arrived fails the check, even if the counts are right.
	if arrived := arrived(packets, heard); len(arrived) > 0 {
		return failed("the pod on %s was believed to be %s", on.node.address(), strings.Join(arrived, " and "))
	}
	if err != nil {
		return unanswered(err, "the pod on %s sent as others to %s", on.node.address(), formatList(on.peer.pod.Addresses))
	}
	return passed("of %d packets with addresses of others none arrived, and the node dropped %d", forged, counted)
}

// checkGrowth returns an error unless an agent's counter has grown by at least want.
func checkGrowth(before, after, want uint64) error {
	switch {
	case after < before:
		return fmt.Errorf("the agent counted %d dropped packets before and %d now: it has restarted", before, after)
	case after-before < want:
		return fmt.Errorf("the node has dropped %d packets of pods, and %d had others' addresses", after-before, want)
	}
	return nil
}

// forgedPackets returns what the pod of a node sends to that of its peer, in both families: packets with the addresses
// of another pod, another node, a Service and a host outside, and last with its own. Sources that do not exist in a
// family are left out. about begins the payloads.
func (s *testbed) forgedPackets(on *subject, about string) []forgedPacket {
	var packets []forgedPacket
	for _, family := range []api.Family{api.IPv4, api.IPv6} {
		to := of(family, on.peer.pod.Addresses)
		// These are the kinds of sources that others trust: a pod's identity in NetworkPolicies, a node's in firewalls.
		for _, source := range []struct {
			who  string
			from netip.Addr
		}{
			{"another pod", s.anotherPod(on, family)},
			{"another node", of(family, on.peer.live.Addresses)},
			{"a Service", of(family, s.services[requireDualStack].ClusterIPs)},
			{"the outside", s.outsider(family)},
			{ownSource, of(family, on.node.pod.Addresses)},
		} {
			if to.IsValid() && source.from.IsValid() {
				packets = append(packets, forgedPacket{
					who: source.who, from: source.from, to: netip.AddrPortFrom(to, podPort), text: about + strconv.Itoa(len(packets)),
				})
			}
		}
	}
	return packets
}

// anotherPod returns the address of a pod that is neither sender nor receiver. In a cluster without a third pod, it
// returns the address after the receiver's.
func (s *testbed) anotherPod(on *subject, family api.Family) netip.Addr {
	for i := range s.nodes {
		if n := &s.nodes[i]; n != on.node && n != on.peer && n.pod.Ready {
			return of(family, n.pod.Addresses)
		}
	}
	return of(family, on.peer.pod.Addresses).Next()
}

// outsider returns the client's address, or one that is reserved for documentation (RFC 5737, RFC 3849) and so belongs
// to no host.
func (s *testbed) outsider(family api.Family) netip.Addr {
	address, documented := s.client.v4, netip.AddrFrom4([4]byte{198, 51, 100, 1})
	if family == api.IPv6 {
		address, documented = s.client.v6, netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 1})
	}
	if address.IsValid() {
		return address
	}
	return documented
}

// sendForged orders the pod of a node to send a packet. The error is errNoRawSockets if the pod cannot open a raw
// socket, which is not retried.
func (s *testbed) sendForged(ctx context.Context, n *node, packet forgedPacket) error {
	query := url.Values{"from": {packet.from.String()}, "to": {packet.to.String()}, "text": {packet.text}}
	var noRawSockets error
	_, err := eventually(ctx, func(ctx context.Context) (string, error) {
		// Only the node calls its own pod at this port, over a path that no other host sees.
		to := netip.AddrPortFrom(n.pod.Addresses[0], forgePort)
		body, err := s.call(ctx, n.address(), to, "/"+s.forgeSecret+"?"+query.Encode(), callTimeout)
		var refused *statusError
		switch {
		// A success ends the retries: the missing right is a property of the runtime and does not change.
		case errors.As(err, &refused) && strings.HasSuffix(refused.Body, "operation not permitted"):
			noRawSockets = errNoRawSockets
			return "", nil
		case errors.As(err, &refused):
			err = errors.New(refused.Body)
		}
		return body, err
	})
	return errors.Join(err, noRawSockets)
}

// received returns the lines about the packets that the pod of a node has received, those whose payload begins with
// about.
func (s *testbed) received(ctx context.Context, n *node, about string) ([]string, error) {
	to := netip.AddrPortFrom(n.pod.Addresses[0], podPort)
	body, err := s.call(ctx, n.address(), to, "/heard?about="+url.QueryEscape(about), callTimeout)
	return strings.Split(body, "\n"), err
}

// has reports whether the packet is among the received ones, by its payload.
func (l *forgedPacket) has(heard []string) bool {
	return slices.ContainsFunc(heard, func(line string) bool { return strings.HasPrefix(line, strconv.Quote(l.text)+" ") })
}

// countOwn returns the number of packets with the sender's own address.
func countOwn(packets []forgedPacket) int {
	count := 0
	for i := range packets {
		if packets[i].who == ownSource {
			count++
		}
	}
	return count
}

// notReceived returns the own addresses from which no packet was received, formatted, or "".
func notReceived(packets []forgedPacket, heard []string) string {
	var missing []netip.Addr
	for i := range packets {
		if packets[i].who == ownSource && !packets[i].has(heard) {
			missing = append(missing, packets[i].from)
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return formatList(missing)
}

// arrived returns a text for each forged packet that was received.
func arrived(packets []forgedPacket, heard []string) []string {
	var arrived []string
	for i := range packets {
		if packets[i].who != ownSource && packets[i].has(heard) {
			arrived = append(arrived, fmt.Sprintf("%s, %s", packets[i].who, packets[i].from))
		}
	}
	return arrived
}

// drops returns how many packets of pods the agent of a node has dropped because of their source. The agent serves
// metrics on the node's loopback only.
func (s *testbed) drops(ctx context.Context, n *node) (uint64, error) {
	to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), agentPort)
	body, err := s.call(ctx, n.address(), to, "/metrics", callTimeout)
	if err != nil {
		return 0, err
	}
	return parseDrops(body)
}

// parseDrops returns the value of dropsMetric in the text form of Prometheus metrics.
func parseDrops(metrics string) (uint64, error) {
	lines := bufio.NewScanner(strings.NewReader(metrics))
	for lines.Scan() {
		if value, found := strings.CutPrefix(lines.Text(), dropsMetric+" "); found {
			packets, err := strconv.ParseFloat(value, 64)
			return uint64(packets), err
		}
	}
	return 0, errors.New("its metrics have no " + dropsMetric + ": it is older than this dualstrap")
}
