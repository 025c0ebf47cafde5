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
	// forgerName is the container beside the server that has raw sockets, forgePort where it is told what to
	// send, and by which word.
	forgerName = "forger"
	forgePort  = 8081
	// dropsMetric is the agent's count of packets that pods may not send, and agentPort where it is told.
	dropsMetric = `dualstrap_agent_dropped_packets_total{reason="pod-source"}`
	agentPort   = 10271
	// ownSource is whose datagrams have to arrive.
	ownSource = "itself"
)

// errNoRawSockets is that a container runtime is set up to give none to pods.
var errNoRawSockets = errors.New("no raw sockets")

// forgedPacket is a datagram that a pod sends.
type forgedPacket struct {
	// who the pod says it is.
	who  string
	from netip.Addr
	to   netip.AddrPort
	// text marks it.
	text string
}

// proveSourceAddress has a pod forge addresses, and last send with its own: once that has arrived, nothing
// that was sent before is still on its way.
func proveSourceAddress(ctx context.Context, s *testbed, on *subject) verdict {
	before, err := eventually(ctx, func(ctx context.Context) (uint64, error) { return s.drops(ctx, on.node) })
	if err != nil {
		return unanswered(err, "the agent of %s does not say how many packets it has dropped", on.node.address())
	}
	about := fmt.Sprintf("%s-%s-", s.namespace[max(0, len(s.namespace)-6):], on.node.k8sIP())
	lies := s.forgedPackets(on, about)
	for _, lie := range lies {
		err := s.sendForged(ctx, on.node, lie)
		if errors.Is(err, errNoRawSockets) {
			return skipped("pods have no raw sockets here, and so nothing to forge addresses with")
		}
		if err != nil {
			return unanswered(err, "the pod on %s cannot send as %s", on.node.address(), lie.who)
		}
	}
	forged := len(lies) - countOwn(lies)
	var heard []string
	counted, err := eventually(ctx, func(ctx context.Context) (uint64, error) {
		var err error
		if heard, err = s.received(ctx, on.peer, about); err != nil {
			return 0, err
		}
		if missing := notReceived(lies, heard); missing != "" {
			return 0, fmt.Errorf("what the pod sent with its own address %s has not arrived", missing)
		}
		after, err := s.drops(ctx, on.node)
		if err == nil && after-before < uint64(forged) {
			err = fmt.Errorf("the node has dropped %d packets of pods, and %d had others' addresses", after-before, forged)
		}
		return after - before, err
	})
	if arrived := arrived(lies, heard); len(arrived) > 0 {
		return failed("the pod on %s was believed to be %s", on.node.address(), strings.Join(arrived, " and "))
	}
	if err != nil {
		return unanswered(err, "the pod on %s sent as others to %s", on.node.address(), formatList(on.peer.pod.Addresses))
	}
	return passed("of %d packets with addresses of others none arrived, and the node dropped %d", forged, counted)
}

// forgedPackets are what the pod of a node sends to that of its peer: with addresses of another pod, another node, a
// Service and the outside, and last with its own.
func (s *testbed) forgedPackets(on *subject, about string) []forgedPacket {
	var lies []forgedPacket
	for _, family := range []api.Family{api.IPv4, api.IPv6} {
		to := of(family, on.peer.pod.Addresses)
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
				lies = append(lies, forgedPacket{
					who: source.who, from: source.from, to: netip.AddrPortFrom(to, podPort), text: about + strconv.Itoa(len(lies)),
				})
			}
		}
	}
	return lies
}

// anotherPod is one that is neither at the one end nor at the other; where there is none, an address beside
// that of the peer's.
func (s *testbed) anotherPod(on *subject, family api.Family) netip.Addr {
	for i := range s.nodes {
		if n := &s.nodes[i]; n != on.node && n != on.peer && n.pod.Ready {
			return of(family, n.pod.Addresses)
		}
	}
	return of(family, on.peer.pod.Addresses).Next()
}

// outsider is the client's address, or one that nobody has.
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

// sendForged has the pod of a node send a datagram.
func (s *testbed) sendForged(ctx context.Context, n *node, lie forgedPacket) error {
	query := url.Values{"from": {lie.from.String()}, "to": {lie.to.String()}, "text": {lie.text}}
	var noRawSockets error
	_, err := eventually(ctx, func(ctx context.Context) (string, error) {
		to := netip.AddrPortFrom(n.pod.Addresses[0], forgePort)
		body, err := s.call(ctx, n.address(), to, "/"+s.forgeWord+"?"+query.Encode(), callTimeout)
		var refused *statusError
		switch {
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

// received gives what the pod of a node has heard.
func (s *testbed) received(ctx context.Context, n *node, about string) ([]string, error) {
	to := netip.AddrPortFrom(n.pod.Addresses[0], podPort)
	body, err := s.call(ctx, n.address(), to, "/heard?about="+url.QueryEscape(about), callTimeout)
	return strings.Split(body, "\n"), err
}

// has reports whether a datagram is among what was heard, by its text.
func (l *forgedPacket) has(heard []string) bool {
	return slices.ContainsFunc(heard, func(line string) bool { return strings.HasPrefix(line, strconv.Quote(l.text)+" ") })
}

func countOwn(lies []forgedPacket) int {
	count := 0
	for i := range lies {
		if lies[i].who == ownSource {
			count++
		}
	}
	return count
}

// notReceived gives the own addresses that were not heard.
func notReceived(lies []forgedPacket, heard []string) string {
	var missing []netip.Addr
	for i := range lies {
		if lies[i].who == ownSource && !lies[i].has(heard) {
			missing = append(missing, lies[i].from)
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return formatList(missing)
}

// arrived says who was believed.
func arrived(lies []forgedPacket, heard []string) []string {
	var arrived []string
	for i := range lies {
		if lies[i].who != ownSource && lies[i].has(heard) {
			arrived = append(arrived, fmt.Sprintf("%s, %s", lies[i].who, lies[i].from))
		}
	}
	return arrived
}

// drops asks the agent of a node how many packets of pods it has dropped for their source.
func (s *testbed) drops(ctx context.Context, n *node) (uint64, error) {
	to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), agentPort)
	body, err := s.call(ctx, n.address(), to, "/metrics", callTimeout)
	if err != nil {
		return 0, err
	}
	return parseDrops(body)
}

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
