package allocator_test

import (
	"cmp"
	"maps"
	"math/big"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/allocator"
	"github.com/dualstrap/dualstrap/internal/family"
)

// oracle implements the rules in the simplest way: no indexes, no cursors, and no state beyond that of the cluster.
// It enumerates every block of a range, so ranges must be small.
type oracle struct {
	configs  []allocator.Config
	nodes    []allocator.Node // as added, with their current podCIDRs
	reserved []netip.Prefix
}

func (o *oracle) find(name string) *allocator.Node {
	for i := range o.nodes {
		if o.nodes[i].Name == name {
			return &o.nodes[i]
		}
	}
	return nil
}

func (o *oracle) add(n allocator.Node) {
	known := o.find(n.Name)
	if known == nil {
		o.nodes = append(o.nodes, allocator.Node{Name: n.Name})
		known = o.find(n.Name)
	}
	known.Labels = n.Labels
	if len(n.PodCIDRs) > 0 {
		known.PodCIDRs = nil
		for _, p := range n.PodCIDRs {
			known.PodCIDRs = append(known.PodCIDRs, p.Masked())
		}
	}
}

func (o *oracle) release(name string) {
	o.nodes = slices.DeleteFunc(o.nodes, func(n allocator.Node) bool { return n.Name == name })
}

// allocate returns the assignment, or the names of the configs tried.
func (o *oracle) allocate(name string) (got allocator.Assignment, tried []string) {
	n := o.find(name)
	if len(n.PodCIDRs) > 0 {
		return allocator.Assignment{Config: o.configOf(*n), PodCIDRs: pairOf(*n)}, nil
	}
	for _, c := range o.candidates(n.Labels) {
		v4, ok4 := o.lowest(c, c.V4)
		v6, ok6 := o.lowest(c, c.V6)
		if ok4 && ok6 {
			n.PodCIDRs = []netip.Prefix{v4, v6}
			return allocator.Assignment{Config: c.Name, PodCIDRs: family.Pair[netip.Prefix]{v4, v6}}, nil
		}
		tried = append(tried, c.Name)
	}
	return allocator.Assignment{}, tried
}

// plan serves nodes in the order of the rules, and returns the results in the order given.
func (o *oracle) plan(nodes []allocator.Node) []allocator.Assignment {
	for _, n := range nodes {
		o.add(n)
	}
	order := make([]int, len(nodes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := o.candidates(nodes[i].Labels), o.candidates(nodes[j].Labels)
		if len(a) == 0 || len(b) == 0 {
			return cmp.Compare(len(b), len(a))
		}
		return cmp.Or(len(b[0].MatchLabels)-len(a[0].MatchLabels), capacity(a[0]).Cmp(capacity(b[0])))
	})
	results := make([]allocator.Assignment, len(nodes))
	for _, i := range order {
		results[i], _ = o.allocate(nodes[i].Name)
	}
	return results
}

func matches(c allocator.Config, labels map[string]string) bool {
	for key, want := range c.MatchLabels {
		if got, ok := labels[key]; !ok || got != want {
			return false
		}
	}
	return true
}

func (o *oracle) candidates(labels map[string]string) []allocator.Config {
	var candidates []allocator.Config
	for _, c := range o.ranked() {
		if matches(c, labels) {
			candidates = append(candidates, c)
		}
	}
	return candidates
}

func (o *oracle) ranked() []allocator.Config {
	return slices.SortedFunc(slices.Values(o.configs), func(a, b allocator.Config) int {
		return cmp.Or(
			cmp.Compare(len(b.MatchLabels), len(a.MatchLabels)),
			capacity(a).Cmp(capacity(b)),
			cmp.Compare(b.V4.NodeMask, a.V4.NodeMask),
			cmp.Compare(b.V6.NodeMask, a.V6.NodeMask),
			cmp.Compare(selectorText(a), selectorText(b)),
			cmp.Or(a.V4.CIDR.Addr().Compare(b.V4.CIDR.Addr()), cmp.Compare(a.V4.CIDR.Bits(), b.V4.CIDR.Bits())),
			cmp.Or(a.V6.CIDR.Addr().Compare(b.V6.CIDR.Addr()), cmp.Compare(a.V6.CIDR.Bits(), b.V6.CIDR.Bits())),
			cmp.Compare(a.Name, b.Name),
		)
	})
}

func selectorText(c allocator.Config) string {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(c.MatchLabels)) {
		pairs = append(pairs, key+"="+c.MatchLabels[key])
	}
	return strings.Join(pairs, ",")
}

func capacity(c allocator.Config) *big.Int {
	v4, v6 := blockCount(c.V4), blockCount(c.V6)
	if v4.Cmp(v6) < 0 {
		return v4
	}
	return v6
}

func blockCount(r allocator.Range) *big.Int {
	return new(big.Int).Exp(big.NewInt(2), big.NewInt(int64(r.NodeMask-r.CIDR.Bits())), nil)
}

// blocks returns every block of a range.
func blocks(r allocator.Range) []netip.Prefix {
	var all []netip.Prefix
	for a := r.CIDR.Addr(); a.IsValid() && r.CIDR.Contains(a); {
		block := netip.PrefixFrom(a, r.NodeMask)
		all = append(all, block)
		a = netipx.RangeOfPrefix(block).To().Next()
	}
	return all
}

func (o *oracle) taken(p netip.Prefix) bool {
	if slices.ContainsFunc(o.reserved, p.Overlaps) {
		return true
	}
	return slices.ContainsFunc(o.nodes, func(n allocator.Node) bool { return slices.ContainsFunc(n.PodCIDRs, p.Overlaps) })
}

// spared reports whether p overlaps a range of a config that is more specific than c and selects a node.
func (o *oracle) spared(c allocator.Config, p netip.Prefix) bool {
	return slices.ContainsFunc(o.configs, func(d allocator.Config) bool {
		inUse := slices.ContainsFunc(o.nodes, func(n allocator.Node) bool { return matches(d, n.Labels) })
		return inUse && len(d.MatchLabels) > len(c.MatchLabels) && (d.V4.CIDR.Overlaps(p) || d.V6.CIDR.Overlaps(p))
	})
}

func (o *oracle) lowest(c allocator.Config, r allocator.Range) (netip.Prefix, bool) {
	for _, block := range blocks(r) {
		if !o.taken(block) && !o.spared(c, block) {
			return block, true
		}
	}
	for _, block := range blocks(r) {
		if !o.taken(block) {
			return block, true
		}
	}
	return netip.Prefix{}, false
}

func pairOf(n allocator.Node) family.Pair[netip.Prefix] {
	var pair family.Pair[netip.Prefix]
	for _, p := range slices.Backward(n.PodCIDRs) {
		if p.Addr().Is4() {
			pair[family.IPv4] = p
		} else {
			pair[family.IPv6] = p
		}
	}
	return pair
}

func isBlock(r allocator.Range, p netip.Prefix) bool { return slices.Contains(blocks(r), p) }

func inside(r allocator.Range, p netip.Prefix) bool {
	return p.IsValid() && r.CIDR.Overlaps(p) && p.Bits() >= r.CIDR.Bits()
}

func (o *oracle) configOf(n allocator.Node) string {
	pair := pairOf(n)
	best, bestStanding := "", -1
	for _, c := range o.ranked() {
		if !inside(c.V4, pair[family.IPv4]) || !inside(c.V6, pair[family.IPv6]) {
			continue
		}
		standing := 0
		if isBlock(c.V4, pair[family.IPv4]) && isBlock(c.V6, pair[family.IPv6]) {
			standing += 2
		}
		if matches(c, n.Labels) {
			standing++
		}
		if standing > bestStanding {
			best, bestStanding = c.Name, standing
		}
	}
	return best
}

func (o *oracle) usage() []allocator.Usage {
	usage := []allocator.Usage{}
	owner := map[string]string{}
	for _, n := range o.nodes {
		owner[n.Name] = o.configOf(n)
	}
	for _, c := range o.configs {
		for _, r := range []allocator.Range{c.V4, c.V6} {
			u := allocator.Usage{Config: c.Name, Range: r, Blocks: blockCount(r)}
			free, allocated := 0, 0
			for _, block := range blocks(r) {
				if !o.taken(block) {
					free++
				}
				if slices.ContainsFunc(o.nodes, func(n allocator.Node) bool {
					pair := pairOf(n)
					return owner[n.Name] == c.Name && (pair[family.IPv4].Overlaps(block) || pair[family.IPv6].Overlaps(block))
				}) {
					allocated++
				}
			}
			u.Free, u.Allocated = big.NewInt(int64(free)), big.NewInt(int64(allocated))
			for _, name := range owner {
				if name == c.Name {
					u.Nodes++
				}
			}
			usage = append(usage, u)
		}
	}
	return usage
}

// misplaced returns the findings for one node's podCIDRs, regardless of other nodes.
func (o *oracle) misplaced(n allocator.Node) []allocator.Finding {
	var findings []allocator.Finding
	if len(n.PodCIDRs) == 0 {
		return nil
	}
	find := func(kind allocator.Kind, p netip.Prefix) {
		findings = append(findings, allocator.Finding{Node: n.Name, Kind: kind, PodCIDR: p})
	}
	pair := pairOf(n)
	if !pair[family.IPv4].IsValid() || !pair[family.IPv6].IsValid() {
		find(allocator.Incomplete, netip.Prefix{})
	}
	seen := map[bool]bool{}
	for _, p := range n.PodCIDRs {
		if seen[p.Addr().Is4()] {
			find(allocator.Surplus, p)
		}
		seen[p.Addr().Is4()] = true
		block, overlap := false, false
		for _, c := range o.configs {
			block = block || isBlock(c.V4, p) || isBlock(c.V6, p)
			overlap = overlap || c.V4.CIDR.Overlaps(p) || c.V6.CIDR.Overlaps(p)
		}
		switch {
		case !overlap:
			find(allocator.Foreign, p)
		case !block:
			find(allocator.Misfit, p)
		}
	}
	bothOf := func(c allocator.Config) bool {
		return isBlock(c.V4, pair[family.IPv4]) && isBlock(c.V6, pair[family.IPv6])
	}
	if len(findings) == 0 && !slices.ContainsFunc(o.configs, bothOf) {
		find(allocator.Split, netip.Prefix{})
	}
	return findings
}
