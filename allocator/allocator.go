package allocator

import (
	"fmt"
	"net/netip"
)

// Allocator hands out the blocks of a cluster. It is not safe for concurrent use.
type Allocator struct {
	catalog *catalog
	nodes   map[string]*node
	// joined is how many nodes have ever been added.
	joined   int
	occupied [families]cover
	reserved []netip.Prefix
}

// Pair is one prefix of each family.
type Pair struct{ V4, V6 netip.Prefix }

// Assignment is what a node holds.
type Assignment struct {
	// Config is the name of the config that both blocks lie in, or empty when there is no such config,
	// which only happens to nodes that came with podCIDRs.
	Config string
	// PodCIDRs has an invalid prefix for a family that the node came without.
	PodCIDRs Pair
}

// New makes an Allocator of a cluster without nodes. All that is wrong with the configs is reported
// together: a missing or duplicate name, a range of the wrong family or with host bits set, a node
// mask that is shorter than its range's prefix or longer than an address.
func New(configs []Config) (*Allocator, error) {
	a := &Allocator{nodes: map[string]*node{}}
	if err := a.SetConfigs(configs); err != nil {
		return nil, err
	}
	return a, nil
}

// SetConfigs replaces the configs. Nodes keep what they hold, and what they hold stays taken. On an
// error, which is as that of New, nothing changes.
func (a *Allocator) SetConfigs(configs []Config) error {
	c, err := newCatalog(configs)
	if err != nil {
		return err
	}
	a.catalog = c
	for _, n := range a.nodes {
		n.best = c.add(n.labels)
	}
	return nil
}

// Reserve keeps every block that touches p from being handed out, for good. Ranges of services are
// reserved this way, before nodes are added.
func (a *Allocator) Reserve(p netip.Prefix) {
	if !p.IsValid() {
		return
	}
	p = p.Masked()
	a.reserved = append(a.reserved, p)
	a.occupied[familyOf(p)].change(p, +1)
}

// Add registers nodes and occupies what they hold. What is wrong with it comes back as findings, in
// the order of nodes; none of it is an obstacle. A node that is added again counts once: its labels
// are replaced, and its podCIDRs too unless the new ones are empty.
func (a *Allocator) Add(nodes ...Node) []Finding {
	_, findings := a.add(nodes)
	return findings
}

// add is Add, and gives the registered nodes.
func (a *Allocator) add(nodes []Node) ([]*node, []Finding) {
	if len(a.nodes) == 0 {
		a.nodes = make(map[string]*node, len(nodes))
	}
	all := make([]*node, len(nodes))
	var arrived []*node
	var disputed []netip.Prefix
	for i := range nodes {
		n, arrives := a.join(&nodes[i])
		all[i] = n
		if arrives {
			arrived = append(arrived, n)
			disputed = append(disputed, a.occupy(n)...)
		}
	}
	return all, a.inspect(arrived, disputed)
}

// Allocate gives a node its podCIDRs: both or none. A node that holds any keeps them, whatever they
// are. The node must have been added. The error is a *NoMatchError when no config is for this node,
// and an *ExhaustedError when those that are have no room.
func (a *Allocator) Allocate(name string) (Assignment, error) {
	n, ok := a.nodes[name]
	if !ok {
		return Assignment{}, fmt.Errorf("cannot allocate podCIDRs for node %s: it was never added", name)
	}
	return a.allocate(n)
}

func (a *Allocator) allocate(n *node) (Assignment, error) {
	switch {
	case !n.none():
		return Assignment{Config: a.configOf(n), PodCIDRs: n.Pair}, nil
	case n.best == nil:
		return Assignment{}, &NoMatchError{Node: n.name, Configs: a.catalog.names}
	case a.take(n.best, n):
		return Assignment{Config: n.best.Name, PodCIDRs: n.Pair}, nil
	}
	candidates := a.catalog.candidates(n.labels)
	for _, c := range candidates[1:] { // the first is n.best
		if a.take(c, n) {
			return Assignment{Config: c.Name, PodCIDRs: n.Pair}, nil
		}
	}
	return Assignment{}, a.exhausted(n.name, candidates)
}

// take gives a node the lowest free blocks of a config, if both families have one.
func (a *Allocator) take(c *candidate, n *node) bool {
	v4, ok := a.lowest(c, ipv4)
	if !ok {
		return false
	}
	v6, ok := a.lowest(c, ipv6)
	if !ok {
		return false
	}
	a.occupied[ipv4].change(v4, +1)
	a.occupied[ipv6].change(v6, +1)
	n.Pair = Pair{V4: v4, V6: v6}
	return true
}

// lowest finds the lowest free block outside the ranges of more specific configs, and only if there
// is none the lowest free block.
func (a *Allocator) lowest(c *candidate, f family) (netip.Prefix, bool) {
	if block, ok := c.outside[f].lowest(c.of(f), &a.occupied[f], &c.level.spared[f]); ok {
		return block, true
	}
	return c.anywhere[f].lowest(c.of(f), &a.occupied[f])
}

// Release forgets a node that is gone. Its blocks are free again, except for addresses that another
// node holds too.
func (a *Allocator) Release(name string) {
	n, ok := a.nodes[name]
	if !ok {
		return
	}
	a.vacate(n)
	a.catalog.remove(n.labels)
	delete(a.nodes, name)
}
