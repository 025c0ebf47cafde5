package planview

import (
	"fmt"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/api"
)

// region is a pod range with everything in it, in address order; nil when there is no room for it.
func (p *panel) region(r region, width, depth int) *box {
	if p.drawn >= maxRanges || depth == maxDepth {
		return nil
	}
	b := newBox(width, 14, []string{"region", "region nested"}[min(depth, 1)])
	p.regionHead(b, r)
	b.skip(8)
	var parts []*box
	for _, s := range p.divide(r) {
		switch {
		case s.inside != nil:
			if inside := p.region(s.inside, b.inner(), depth+1); inside != nil {
				parts = append(parts, inside)
			}
		case s.blocks == nil:
			parts = append(parts, p.freeBox(b.inner(), s))
		case len(p.nodes) > maxCards:
			parts = append(parts, p.run(b.inner(), s))
		default:
			parts = append(parts, cards(b.inner(), s.blocks, blockCard))
		}
	}
	b.add(gap, parts...)
	return b
}

// divide returns the parts of a region to draw: blocks of one pool that touch each other, or of any when each has a card.
// When there are too many, it is all blocks, then the regions inside, then what is free.
func (p *panel) divide(r region) []stretch {
	dense := len(p.nodes) > maxCards
	all := r.stretches(func(a, b prefix) bool { return !dense || a.node.pool == b.node.pool })
	if !dense || len(all) <= maxStretches {
		return all
	}
	var blocks []prefix
	for _, s := range all {
		blocks = append(blocks, s.blocks...)
	}
	all = append(slices.DeleteFunc(all, func(s stretch) bool { return s.inside == nil }), stretch{free: freeBlocks(r[0].claim)})
	if len(blocks) == 0 {
		return all
	}
	whole := netipx.IPRangeFrom(blocks[0].Addr(), netipx.PrefixLastIP(blocks[len(blocks)-1].Prefix))
	return append([]stretch{{IPRange: whole, blocks: blocks}}, all...)
}

// regionHead names the range and the ClusterCIDRConfigs it belongs to.
func (p *panel) regionHead(b *box, r region) {
	b.pair(cidrFont, r[0].String(), smallFont, freeBlocks(r[0].claim))
	claims, _ := r.claims()
	p.drawn += len(claims)
	domain := strings.TrimSuffix(api.LabelNodePool, "node-pool") // of well-known labels; there is no room for it
	for i, one := range claims {
		c, selector := one.claim, p.selectors[one.claim.ClusterCIDRConfig]
		if i < maxClaims {
			short := c.ClusterCIDRConfig + ": " + strings.ReplaceAll(selector, domain, "")
			b.pair(smallFont, short, smallFont, fmt.Sprintf("/%d per node", c.PerNodeMaskSize))
		}
		b.Tip += fmt.Sprintf("%s: %s, /%d per node, %s\n", c.ClusterCIDRConfig, selector, c.PerNodeMaskSize, freeBlocks(c))
	}
	b.more(len(claims)-maxClaims, "ClusterCIDRConfig", "")
}

// freeBlocks returns the number of free blocks of a range, as text.
func freeBlocks(r *api.PlanRange) string {
	return superscript(fmt.Sprintf("%s of %s blocks free", count(r.Free), count(r.Blocks)))
}

// freeBox is a part of a range that no node has. A stretch without addresses is all that is free in the region.
func (p *panel) freeBox(width int, s stretch) *box {
	share := p.spare*(p.free+1)/p.sharers - p.spare*p.free/p.sharers
	p.free++
	b := newBox(width, 8, "free")
	b.left, b.right = 14, 14
	b.skip(share / 2)
	if s.IsValid() {
		b.rangeLine(span(s.IPRange), s.free)
	} else {
		b.pair(strongFont, "free", smallFont, s.free)
	}
	b.skip(share - share/2)
	return b
}

// perSquare is how many nodes one square of a run stands for.
func (a *addressMap) perSquare() int { return max(1, (len(a.nodes)+maxSquares-1)/maxSquares) }

// run is blocks of nodes, with a square for every so many.
func (p *panel) run(width int, s stretch) *box {
	const size, space = 11, 3
	b := newBox(width, 12, "run")
	b.rangeLine(span(s.IPRange), plural(len(s.blocks), "block"))
	pool := s.blocks[0].node.pool
	if slices.ContainsFunc(s.blocks, func(b prefix) bool { return b.node.pool != pool }) {
		b.write(smallFont, "nodes of several pools, in address order; gaps between them are left out")
	} else {
		b.Paint = paint(pool.hue.tints[0], pool.hue.edge)
		byAddr := func(a, b prefix) int { return a.node.addr.Compare(b.node.addr) }
		first, last := slices.MinFunc(s.blocks, byAddr), slices.MaxFunc(s.blocks, byAddr)
		b.pair(smallFont, pool.use, minorFont, span(netipx.IPRangeFrom(first.node.addr, last.node.addr)))
	}
	b.skip(lineGap)
	var squares []*box
	for group := range slices.Chunk(s.blocks, p.perSquare()) {
		first, last := group[0], group[len(group)-1]
		tip := fmt.Sprintf("%s: node %s, %s", first, first.node.addr, first.node.pool.use)
		if len(group) > 1 {
			tip = fmt.Sprintf("%s – %s: %d nodes, %s – %s", first, last, len(group), first.node.addr, last.node.addr)
		}
		squares = append(squares, &box{W: size, H: size, Look: "square", Paint: paint(first.node.pool.hue.strong, "none"), Tip: tip})
	}
	b.grid(space, (b.inner()+space)/(size+space), squares...)
	return b
}
