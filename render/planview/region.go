package planview

import (
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/api"
)

// prefix is a pod range or the block of a node.
type prefix struct {
	netip.Prefix
	claim *api.PlanRange // one family of the ClusterCIDRConfig that has the range
	node  *node          // that has the block
}

// region is a range with everything in it, in address order and the wider first. It begins with the claims, one for each
// ClusterCIDRConfig with exactly this range.
type region []prefix

// sorted returns the ranges and blocks of one family as if they were in one region.
func sorted(ranges []*api.PlanRange, nodes []*node, family api.Family) region {
	var all region
	for _, r := range ranges {
		all = append(all, prefix{Prefix: r.CIDR.Masked(), claim: r})
	}
	for _, n := range nodes {
		if block := blockOf(n.plan, family); block.IsValid() {
			all = append(all, prefix{Prefix: block.Masked(), node: n})
		}
	}
	slices.SortStableFunc(all, func(a, b prefix) int { return a.Compare(b.Prefix) })
	return all
}

// parts divides a region where a prefix begins that is not in the one before. Prefixes are apart, or the same, or one
// lies in the other.
func (r region) parts() []region {
	var parts []region
	for len(r) > 0 {
		part, rest := cut(r, func(p prefix) bool { return !r[0].Contains(p.Addr()) })
		parts, r = append(parts, part), rest
	}
	return parts
}

// cut divides a slice before the first element for which done is true, or behind the last.
func cut[S ~[]E, E any](all S, done func(E) bool) (before, rest S) {
	if i := slices.IndexFunc(all, done); i >= 0 {
		return all[:i], all[i:]
	}
	return all, nil
}

// claims returns the ClusterCIDRConfigs with this range, and the rest of the region.
func (r region) claims() (claims, rest region) {
	return cut(r, func(p prefix) bool { return p.node != nil || p.Prefix != r[0].Prefix })
}

// stretch is a part of a region. It is a region inside, or blocks that touch each other, or free.
type stretch struct {
	netipx.IPRange
	blocks []prefix
	inside region
	free   string // says how many more blocks it holds
}

// stretches divides a region; join tells which neighbouring blocks belong together.
func (r region) stretches(join func(a, b prefix) bool) []stretch {
	var all []stretch
	claims, rest := r.claims()
	next := r[0].Addr() // the lowest address that is in no stretch yet; invalid after the highest there is
	for _, part := range rest.parts() {
		whole := netipx.RangeOfPrefix(part[0].Prefix)
		all = claims.appendFree(all, next, whole.From().Prev())
		next = whole.To().Next()
		n := len(all)
		switch {
		case part[0].claim != nil:
			all = append(all, stretch{IPRange: whole, inside: part})
		case n > 0 && all[n-1].blocks != nil && join(all[n-1].blocks[0], part[0]):
			all[n-1].IPRange = netipx.IPRangeFrom(all[n-1].From(), whole.To())
			all[n-1].blocks = append(all[n-1].blocks, part[0])
		default:
			all = append(all, stretch{IPRange: whole, blocks: []prefix{part[0]}})
		}
	}
	return claims.appendFree(all, next, netipx.PrefixLastIP(r[0].Prefix))
}

// appendFree adds a free stretch, if there is one. ClusterCIDRConfigs that share the range may cut it differently; then
// there is no one number of blocks.
func (r region) appendFree(all []stretch, first, last netip.Addr) []stretch {
	if !first.IsValid() || !last.IsValid() || last.Less(first) {
		return all
	}
	s := stretch{IPRange: netipx.IPRangeFrom(first, last), free: "free"}
	size := r[0].claim.PerNodeMaskSize
	if !slices.ContainsFunc(r, func(p prefix) bool { return p.claim.PerNodeMaskSize != size }) {
		s.free = superscript(count(blocksIn(s.IPRange, size))) + " free"
	}
	return append(all, s)
}
