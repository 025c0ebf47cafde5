package facts

import (
	"context"
	_ "embed"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

//go:embed scripts/network.sh
var networkScript string

// NetworkProbe lists what one host probes on the network.
type NetworkProbe struct {
	// Reach lists addresses of other hosts that should be reachable.
	Reach []Peer
	// Connect lists endpoints that should accept or at least refuse connections.
	Connect []netip.AddrPort
	// Interface is the interface whose L2 is probed for ExpectUnused.
	Interface string
	// ExpectUnused lists addresses on the host's own L2 that no machine should have.
	ExpectUnused []netip.Addr
	// ShortWait reduces the time to wait for answers about ExpectUnused. That is enough for nodes, which have probed
	// the addresses before.
	ShortWait bool
}

// Peer is an address of another host.
type Peer struct {
	// Source is the probing host's own address of the same family.
	Address, Source netip.Addr
	// MTU is the size in bytes of a packet that should arrive without fragmentation.
	MTU int
	// Port is a port at which the other host should accept or at least refuse connections. It is tried if the host
	// does not answer echo requests.
	Port int
}

// IsEmpty reports whether there is nothing to probe.
func (t NetworkProbe) IsEmpty() bool { return len(t.Reach)+len(t.Connect)+len(t.ExpectUnused) == 0 }

// ProbeResult is the outcome of probing one address.
type ProbeResult string

// The values of a ProbeResult.
const (
	// Whole means that packets of full size were answered.
	Whole ProbeResult = "whole"
	// Small means that small packets were answered, but those of full size were not.
	Small ProbeResult = "small"
	// Open and Refused mean that a TCP connection was accepted or refused.
	Open    ProbeResult = "open"
	Refused ProbeResult = "refused"
	// Filtered means that there was no answer.
	Filtered ProbeResult = "filtered"
	// Untried means that the host lacks the programs to probe with.
	Untried ProbeResult = "unknown"
)

// Network holds the results of one host's network probes.
type Network struct {
	Reached   map[netip.Addr]ProbeResult
	Connected map[netip.AddrPort]ProbeResult
	// Asked is the number of addresses in ExpectUnused. Neighbours maps those of them that were answered for to
	// hardware addresses in lower case.
	Asked      int
	Neighbours map[netip.Addr]string
}

// script returns the script that [ProbeNetwork] runs on a host.
func (t NetworkProbe) script() (remote.Script, error) {
	return remote.NewScript("probe network", remote.Args{"tasks": remote.Lines(t.tasks()...)}, networkScript)
}

// ProbeNetwork runs the network probes on a host, all at the same time, in one round trip of a few seconds at most.
func ProbeNetwork(ctx context.Context, host remote.Reader, task NetworkProbe) (Network, error) {
	script, err := task.script()
	if err != nil {
		return Network{}, err
	}
	answer, err := host.Probe(ctx, script)
	if err != nil {
		return Network{}, err
	}
	facts, err := decodeNetwork(answer)
	// Addresses without an answer have no line in the output.
	facts.Asked = len(task.ExpectUnused)
	return facts, err
}

// echoOverhead returns the size in bytes of the IP and ICMP headers of an echo request. ping's option -s is the size
// without them.
func echoOverhead(address netip.Addr) int {
	if address.Is4() {
		return 20 + 8
	}
	return 40 + 8
}

// tasks returns the probes in the form in which the script takes them.
func (t NetworkProbe) tasks() []string {
	var tasks []string
	for _, peer := range t.Reach {
		size := peer.MTU - echoOverhead(peer.Address)
		tasks = append(tasks, fmt.Sprintf("reach %s %s %d %d", peer.Address, peer.Source, size, peer.Port))
	}
	for _, endpoint := range t.Connect {
		tasks = append(tasks, fmt.Sprintf("connect %s %d", endpoint.Addr(), endpoint.Port()))
	}
	if len(t.ExpectUnused) > 0 {
		// The number is in tenths of a second. The kernel repeats an unanswered request after one second.
		words := []string{"neighbours", t.Interface, "12"}
		if t.ShortWait {
			words = []string{"neighbours", t.Interface, "3"}
		}
		for _, address := range t.ExpectUnused {
			words = append(words, address.String())
		}
		tasks = append(tasks, strings.Join(words, " "))
	}
	return tasks
}

// decodeNetwork parses the output of the script.
func decodeNetwork(answer remote.Answer) (Network, error) {
	facts := Network{
		Reached: map[netip.Addr]ProbeResult{}, Connected: map[netip.AddrPort]ProbeResult{}, Neighbours: map[netip.Addr]string{},
	}
	for line := range strings.Lines(answer.Text("network")) {
		if err := facts.add(strings.Fields(line)); err != nil {
			return Network{}, fmt.Errorf("cannot parse the results of the network probes: %q: %w", strings.TrimSpace(line), err)
		}
	}
	return facts, nil
}

// add adds the result of one line: reach ADDRESS RESULT, connect ADDRESS PORT RESULT, or neighbour and a line of
// ip neighbour show.
func (f *Network) add(words []string) error {
	if len(words) < 3 {
		return fmt.Errorf("it is too short")
	}
	address, err := netip.ParseAddr(words[1])
	if err != nil {
		return err
	}
	switch words[0] {
	case "reach":
		f.Reached[address] = ProbeResult(intern(words[2]))
	case "connect":
		port, err := strconv.ParseUint(words[2], 10, 16)
		if err != nil || len(words) < 4 {
			return fmt.Errorf("it lacks a port or a result")
		}
		f.Connected[netip.AddrPortFrom(address, uint16(port))] = ProbeResult(intern(words[3]))
	case "neighbour":
		// The state is the last word.
		if mac := wordAfter(words, "lladdr"); mac != "" && !isGone(words[len(words)-1]) {
			f.Neighbours[address] = intern(strings.ToLower(mac))
		}
	default:
		return fmt.Errorf("unknown type of result %q", words[0])
	}
	return nil
}

// isGone reports whether a neighbour in the given state does not answer, or not any more.
func isGone(state string) bool {
	switch state {
	case "FAILED", "INCOMPLETE":
		return true
	case "DELAY", "PROBE": // the neighbour existed before and has not confirmed yet that it still does
		return true
	}
	return false
}
