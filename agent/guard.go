package agent

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/agent/kernel"
	"github.com/dualstrap/dualstrap/internal/family"
)

// wantedGuard returns the rules about source addresses: a pod may send with its own addresses only, and a packet from
// elsewhere may have a pod's address only if the pod belongs to another node. Addresses of nodes never count as
// addresses of pods, even inside a pod range.
func (v view) wantedGuard(state kernel.State, podRanges []netip.Prefix) (*kernel.Guard, error) {
	guard := &kernel.Guard{HostLinks: v.hostLinks(state)}
	for _, f := range family.All() {
		var ranges, others netipx.IPSetBuilder
		for _, podRange := range podRanges {
			if family.Of(podRange.Addr()) == f {
				ranges.AddPrefix(podRange)
			}
		}
		for _, node := range v.others {
			if node.Pods[f].IsValid() {
				others.AddPrefix(node.Pods[f])
			}
		}
		// A pod range may contain addresses of nodes, whose own traffic must not be dropped.
		for _, node := range append([]Node{v.self}, v.others...) {
			if node.Addrs[f].IsValid() {
				ranges.Remove(node.Addrs[f])
			}
		}
		for _, set := range []struct {
			builder *netipx.IPSetBuilder
			ranges  *[]netipx.IPRange
		}{{&ranges, &guard.PodRanges[f]}, {&others, &guard.OtherNodes[f]}} {
			made, err := set.builder.IPSet()
			if err != nil {
				return nil, fmt.Errorf("cannot join the %s ranges of pods: %w", f, err)
			}
			*set.ranges = made.Ranges()
		}
	}
	return guard, nil
}

// hostLinks returns the names, sorted, of veth interfaces that do not belong to pods. The plugin ptp assigns the host's
// end of a pod's link the gateway's address with the full prefix length, and nothing else. An interface that has an
// address in a shorter prefix, or the node's own address, is therefore the host's. Ports of a bridge need no mention:
// their packets arrive from the bridge.
func (v view) hostLinks(state kernel.State) []string {
	var names []string
	for _, link := range state.Links {
		if link.Kind == "veth" && slices.ContainsFunc(state.Addresses, func(a kernel.Address) bool {
			isUplinks := slices.Contains(v.self.Addrs[:], a.Addr)
			return a.Link == link.Index && (isUplinks || !a.Addr.IsLinkLocalUnicast() && a.Bits < a.Addr.BitLen())
		}) {
			names = append(names, link.Name)
		}
	}
	slices.Sort(names)
	return names
}

// syncRules corrects the agent's nftables table and returns the number of changes. The desired translation may be
// unknown, and then the present one stays. The rules for pods are always known.
func (r *reconcileRun) syncRules() (int, error) {
	changed, err := r.guard()
	r.unguarded = err
	if err != nil {
		return 0, err
	}
	_, err = r.wantedNAT(nil)
	return changed, err
}

// guard writes the table if it differs from the desired one, and returns the number of changes. The counters of the old
// table are carried over.
func (r *reconcileRun) guard() (int, error) {
	table, err := kernel.ReadRules()
	if err != nil {
		return 0, err
	}
	var wanted kernel.Rules
	if wanted.Guard, err = r.view.wantedGuard(r.state, r.podRanges); err != nil {
		return 0, err
	}
	var current *kernel.NAT
	if table.Rules != nil {
		current = table.Rules.NAT
	}
	wanted.NAT, _ = r.wantedNAT(current) // syncRules reports the error
	// Rules is nil if another program has changed the table, which is then written again.
	if table.Rules != nil && table.Rules.Equal(wanted) {
		return 0, nil
	}
	// Counters survive: Prometheus takes a smaller value for a restart.
	if err := kernel.WriteRules(wanted, table.Counters); err != nil {
		return 0, err
	}
	return 1, nil
}

// wantedNAT returns the desired translation. As long as the uplink or the node's pod range is unknown, that is the
// current one.
func (r *reconcileRun) wantedNAT(current *kernel.NAT) (*kernel.NAT, error) {
	if !r.flatIPv4 && (r.uplinkErr[family.IPv4] != nil || !r.view.self.Pods[family.IPv4].IsValid()) {
		return current, r.uplinkErr[family.IPv4]
	}
	wanted, err := r.view.wantedNAT(r.uplinks[family.IPv4])
	if err != nil {
		return current, err
	}
	return wanted, nil
}

// guardFirst writes rules against forged sources before the Nodes are known: after a reboot, a kubelet can start pods
// before the API server answers. An existing table is left alone, because it is at least as strict.
func (r *reconciler) guardFirst() error {
	table, err := kernel.ReadRules()
	if err != nil || table.Exists {
		return err
	}
	state, err := r.kernel.Read()
	if err != nil {
		return err
	}
	// Without Nodes there are no ranges to compare packets from elsewhere with, but packets of pods can be checked.
	guard, err := view{}.wantedGuard(state, nil)
	if err != nil {
		return err
	}
	return kernel.WriteRules(kernel.Rules{Guard: guard}, nil)
}

// dropCollector exports the number of packets that the agent's table has dropped. The kernel counts them.
type dropCollector struct{ packets *prometheus.Desc }

// newDrops returns a collector that reads the counters at each scrape.
func newDrops() dropCollector {
	return dropCollector{prometheus.NewDesc("dualstrap_agent_dropped_packets_total",
		"Packets dropped because their sender may not send them, by reason.", []string{"reason"}, nil)}
}

// Describe implements prometheus.Collector.
func (d dropCollector) Describe(descs chan<- *prometheus.Desc) { descs <- d.packets }

// Collect implements prometheus.Collector.
func (d dropCollector) Collect(metrics chan<- prometheus.Metric) {
	counters, err := kernel.ReadCounters()
	if err != nil {
		// The scrape reports the error instead of a wrong number.
		metrics <- prometheus.NewInvalidMetric(d.packets, err)
		return
	}
	for reason, packets := range counters.Dropped() {
		metrics <- prometheus.MustNewConstMetric(d.packets, prometheus.CounterValue, float64(packets), string(reason))
	}
}
