package allocator

import (
	"math/big"
	"net/netip"

	"github.com/dualstrap/dualstrap/internal/family"
)

// Usage describes how full one family of a config is.
type Usage struct {
	Config string
	Range  Range
	// Blocks is the number of blocks in the range. Allocated is how many of them nodes of this config hold, at
	// least in part. Free is how many have no holder at all. The remaining blocks are held by nodes of other
	// configs, or reserved. An IPv6 range can have more than 2^64 blocks, hence big.Int.
	Blocks, Allocated, Free *big.Int
	// Nodes is the number of nodes whose podCIDRs both lie in the config.
	Nodes int
}

// Usage returns the usage of every config, closed ones included, in the order in which the configs were given, IPv4
// first.
func (a *Allocator) Usage() []Usage {
	own := a.shares()
	usage := make([]Usage, 0, 2*len(own)) // one for each family
	for _, c := range a.catalog.given {
		for _, f := range family.All() {
			r := c.of(f)
			blocks := r.blocks()
			usage = append(usage, Usage{
				Config:    c.Name,
				Range:     r,
				Blocks:    blocks,
				Allocated: r.touched(&own[c.Name].held[f]),
				Free:      new(big.Int).Sub(blocks, r.touched(&a.occupied[f])),
				Nodes:     own[c.Name].nodes,
			})
		}
	}
	return usage
}

// share holds the addresses and the number of the nodes of one config.
type share struct {
	held  family.Pair[cover]
	nodes int
}

// shares returns the share of each config by name.
func (a *Allocator) shares() map[string]*share {
	own := make(map[string]*share, len(a.catalog.given))
	for _, c := range a.catalog.given {
		own[c.Name] = new(share)
	}
	for _, n := range a.nodes {
		s, ok := own[a.configOf(n)]
		if !ok {
			continue // the node's podCIDRs belong to no config
		}
		s.nodes++
		for f, p := range n.first {
			s.held[f].change(p, +1)
		}
	}
	return own
}

// blocks returns the number of blocks in the range.
func (r Range) blocks() *big.Int {
	return new(big.Int).Lsh(big.NewInt(1), uint(r.NodeMask-r.CIDR.Bits()))
}

// touched returns the number of blocks in the range that have at least one address with a holder.
func (r Range) touched(c *cover) *big.Int {
	count := new(big.Int)
	behind := new(big.Int) // the index after the last block that was counted
	for _, run := range c.runs(r.CIDR) {
		first, end := r.index(run.From()), r.index(run.To())
		end.Add(end, big.NewInt(1))
		if first.Cmp(behind) < 0 { // the previous run ends in the block in which this one begins
			first = behind
		}
		count.Add(count, new(big.Int).Sub(end, first))
		behind = end
	}
	return count
}

// index returns the index, from 0, of the block that contains an address of the range.
func (r Range) index(a netip.Addr) *big.Int {
	offset := new(big.Int).SetBytes(a.AsSlice())
	offset.Sub(offset, new(big.Int).SetBytes(r.CIDR.Addr().AsSlice()))
	return offset.Rsh(offset, uint(a.BitLen()-r.NodeMask))
}
