package agent

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/agent/kernel"
)

// wantedGuard believes pods what is theirs, and others no address of a pod but what another node's pods
// have. Addresses of nodes are never taken for those of pods.
func (v view) wantedGuard(state kernel.State, podRanges []netip.Prefix) (*kernel.Guard, error) {
	guard := &kernel.Guard{HostLinks: v.hostLinks(state)}
	for _, f := range families() {
		var ranges, others netipx.IPSetBuilder
		for _, podRange := range podRanges {
			if familyOf(podRange.Addr()) == f {
				ranges.AddPrefix(podRange)
			}
		}
		for _, node := range v.others {
			if node.Pods[f].IsValid() {
				others.AddPrefix(node.Pods[f])
			}
		}
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

// hostLinks are the interfaces of kind veth that are not pods', by name. The plugin ptp gives the host's
// end of a pod the gateway's address and no more than that; who has an address in a prefix of others is
// the host's own. The ports of a bridge do not matter: their packets come in by the bridge.
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

// syncRules makes the agent's table right. What is to be translated may be unknown, and then stays as it
// is; what pods may say is known always.
func (r *reconcileRun) syncRules() (int, error) {
	changed, err := r.guard()
	r.unguarded = err
	if err != nil {
		return 0, err
	}
	_, err = r.wantedNAT(nil)
	return changed, err
}

func (r *reconcileRun) guard() (int, error) {
	table, err := kernel.ReadRules()
	if err != nil {
		return 0, err
	}
	var wanted kernel.Rules
	if wanted.Guard, err = r.view.wantedGuard(r.state, r.podRanges); err != nil {
		return 0, err
	}
	var there *kernel.NAT
	if table.Rules != nil {
		there = table.Rules.NAT
	}
	wanted.NAT, _ = r.wantedNAT(there) // syncRules reports it
	if table.Rules != nil && table.Rules.Equal(wanted) {
		return 0, nil
	}
	if err := kernel.WriteRules(wanted, table.Counters); err != nil {
		return 0, err
	}
	return 1, nil
}

// wantedNAT is what there is while it cannot be known what there should be.
func (r *reconcileRun) wantedNAT(there *kernel.NAT) (*kernel.NAT, error) {
	if !r.flatIPv4 && (r.uplinkErr[ipv4] != nil || !r.view.self.Pods[ipv4].IsValid()) {
		return there, r.uplinkErr[ipv4]
	}
	wanted, err := r.view.wantedNAT(r.uplinks[ipv4])
	if err != nil {
		return there, err
	}
	return wanted, nil
}

// guardFirst keeps pods from lying while it is not known which nodes there are: a kubelet starts pods
// again after a reboot, with the CNI configuration of before. A table that is there is as good or better.
func (r *reconciler) guardFirst() error {
	table, err := kernel.ReadRules()
	if err != nil || table.Exists {
		return err
	}
	state, err := r.kernel.Read()
	if err != nil {
		return err
	}
	guard, err := view{}.wantedGuard(state, nil)
	if err != nil {
		return err
	}
	return kernel.WriteRules(kernel.Rules{Guard: guard}, nil)
}

// dropCollector are the packets that the agent's table has dropped, counted by the kernel.
type dropCollector struct{ packets *prometheus.Desc }

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
		metrics <- prometheus.NewInvalidMetric(d.packets, err)
		return
	}
	for reason, packets := range counters.Dropped() {
		metrics <- prometheus.MustNewConstMetric(d.packets, prometheus.CounterValue, float64(packets), string(reason))
	}
}
