package hostprep

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

// NetworkProbe is what one host tries on the network.
type NetworkProbe struct {
	// Reach are the hosts to reach, each address from the host's own of the same family.
	Reach []Peer
	// Connect are endpoints that should take connections, or at least refuse them.
	Connect []netip.AddrPort
	// Interface is where Occupied are asked for.
	Interface string
	// ExpectUnused are addresses on the host's own L2 that nobody should have.
	ExpectUnused []netip.Addr
	// ShortWait has the host wait for their first answers only, as will do when it has asked before.
	ShortWait bool
}

// Peer is an address of another host.
type Peer struct {
	Address, Source netip.Addr
	// MTU is the size of a packet that should get there whole.
	MTU int
	// Port is one at which the host should at least refuse connections.
	Port int
}

// IsEmpty reports whether there is nothing to try.
func (t NetworkProbe) IsEmpty() bool { return len(t.Reach)+len(t.Connect)+len(t.ExpectUnused) == 0 }

// ProbeResult is what came back from an address.
type ProbeResult string

// The values of an Answer.
const (
	// Whole is a full-size packet that was answered.
	Whole ProbeResult = "whole"
	// Small is a small packet that was answered while full-size ones were not.
	Small ProbeResult = "small"
	// Open and Refused are the answers of TCP.
	Open    ProbeResult = "open"
	Refused ProbeResult = "refused"
	// Filtered is no answer at all.
	Filtered ProbeResult = "filtered"
	// Untried is a host without the programs to try.
	Untried ProbeResult = "unknown"
)

// NetworkFacts is what one host saw of the network.
type NetworkFacts struct {
	Reached   map[netip.Addr]ProbeResult
	Connected map[netip.AddrPort]ProbeResult
	// Asked is how many addresses the host asked for, and Neighbours are the hardware addresses of those
	// who answered.
	Asked      int
	Neighbours map[netip.Addr]string
}

// Script is what [ProbeNetwork] runs on a host.
func (t NetworkProbe) Script() remote.Script {
	return remote.Script{Name: "probe network", Body: networkScript, Args: t.args()}
}

// ProbeNetwork has a host try the network around it, in one round trip of some seconds at most.
func ProbeNetwork(ctx context.Context, host remote.Reader, task NetworkProbe) (NetworkFacts, error) {
	answer, err := host.Probe(ctx, task.Script())
	if err != nil {
		return NetworkFacts{}, err
	}
	facts, err := decodeNetwork(answer)
	facts.Asked = len(task.ExpectUnused)
	return facts, err
}

// echoOverhead is what headers take of a packet with an echo request.
func echoOverhead(address netip.Addr) int {
	if address.Is4() {
		return 20 + 8
	}
	return 40 + 8
}

// args are the arguments of the script, one for each thing to try at the same time.
func (t NetworkProbe) args() []string {
	var args []string
	for _, peer := range t.Reach {
		size := peer.MTU - echoOverhead(peer.Address)
		args = append(args, fmt.Sprintf("reach %s %s %d %d", peer.Address, peer.Source, size, peer.Port))
	}
	for _, endpoint := range t.Connect {
		args = append(args, fmt.Sprintf("connect %s %d", endpoint.Addr(), endpoint.Port()))
	}
	if len(t.ExpectUnused) > 0 {
		words := []string{"neighbours", t.Interface, "12"} // the kernel asks once more after a second
		if t.ShortWait {
			words = []string{"neighbours", t.Interface, "3"}
		}
		for _, address := range t.ExpectUnused {
			words = append(words, address.String())
		}
		args = append(args, strings.Join(words, " "))
	}
	return args
}

func decodeNetwork(answer remote.Answer) (NetworkFacts, error) {
	facts := NetworkFacts{
		Reached: map[netip.Addr]ProbeResult{}, Connected: map[netip.AddrPort]ProbeResult{}, Neighbours: map[netip.Addr]string{},
	}
	for line := range strings.Lines(answer.Text("network")) {
		if err := facts.add(strings.Fields(line)); err != nil {
			return NetworkFacts{}, fmt.Errorf("cannot understand what the host says about the network: %q: %w", strings.TrimSpace(line), err)
		}
	}
	return facts, nil
}

func (f *NetworkFacts) add(words []string) error {
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
			return fmt.Errorf("it has no port and answer")
		}
		f.Connected[netip.AddrPortFrom(address, uint16(port))] = ProbeResult(intern(words[3]))
	case "neighbour":
		if mac := wordAfter(words, "lladdr"); mac != "" && !isGone(words[len(words)-1]) {
			f.Neighbours[address] = intern(strings.ToLower(mac))
		}
	default:
		return fmt.Errorf("it begins with none of the words it may")
	}
	return nil
}

// isGone reports whether a neighbour in this state does not answer any more.
func isGone(state string) bool {
	switch state {
	case "FAILED", "INCOMPLETE":
		return true
	case "DELAY", "PROBE": // somebody was there, and has not said that they still are
		return true
	}
	return false
}
