package allocator

import (
	"math/big"
	"net/netip"
)

// Usage is how full one family of a config is.
type Usage struct {
	Config string
	Range  Range
	// Blocks is how many blocks the range has, Allocated how many of them nodes of this config hold,
	// and Free how many nobody touches. The others are held, in part at least, by nodes of other
	// configs, or reserved.
	Blocks, Allocated, Free *big.Int
	// Nodes is how many nodes hold a block of each family of the config.
	Nodes int
}

// Usage tells how full every config is, in the order in which the configs were given, IPv4 first.
func (a *Allocator) Usage() []Usage {
	own := a.shares()
	usage := make([]Usage, 0, len(own)*int(families))
	for _, c := range a.catalog.given {
		for f := range families {
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

// share is what the nodes of one config hold.
type share struct {
	held  [families]cover
	nodes int
}

// shares gives the share of each config by its name.
func (a *Allocator) shares() map[string]*share {
	own := make(map[string]*share, len(a.catalog.given))
	for _, c := range a.catalog.given {
		own[c.Name] = new(share)
	}
	for _, n := range a.nodes {
		s, ok := own[a.configOf(n)]
		if !ok {
			continue
		}
		s.nodes++
		for f := range families {
			s.held[f].change(*n.of(f), +1)
		}
	}
	return own
}

// blocks is the number of blocks of the range.
func (r Range) blocks() *big.Int {
	return new(big.Int).Lsh(big.NewInt(1), uint(r.NodeMask-r.CIDR.Bits()))
}

// touched counts the blocks of the range in which some address has a holder.
func (r Range) touched(c *cover) *big.Int {
	count := new(big.Int)
	behind := new(big.Int) // the index behind the last block counted
	for _, run := range c.runs(r.CIDR) {
		first, end := r.index(run.From()), r.index(run.To())
		end.Add(end, big.NewInt(1))
		if first.Cmp(behind) < 0 { // the run before ends in the block where this one begins
			first = behind
		}
		count.Add(count, new(big.Int).Sub(end, first))
		behind = end
	}
	return count
}

// index gives the number of the block that an address of the range lies in, from zero.
func (r Range) index(a netip.Addr) *big.Int {
	offset := new(big.Int).SetBytes(a.AsSlice())
	offset.Sub(offset, new(big.Int).SetBytes(r.CIDR.Addr().AsSlice()))
	return offset.Rsh(offset, uint(a.BitLen()-r.NodeMask))
}
