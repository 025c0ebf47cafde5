package allocator

import (
	"fmt"
	"net/netip"

	"github.com/dualstrap/dualstrap/internal/family"
)

// Allocator assigns pod CIDR blocks to the nodes of one cluster. It is not safe for concurrent use; callers
// serialize.
type Allocator struct {
	// catalog is the current set of configs. SetConfigs replaces it as a whole.
	catalog *catalog
	// nodes holds every registered node by name, whether or not it holds podCIDRs.
	nodes map[string]*node
	// joined counts the nodes ever added. It numbers them, so that collisions name the newer node of a pair.
	joined int
	// occupied counts, per family, the holders of every address: nodes and reserved ranges.
	occupied family.Pair[cover]
	// reserved lists the reserved ranges in the order of Reserve, for findings to name them.
	reserved []netip.Prefix
}

// Assignment describes the podCIDRs of a node.
type Assignment struct {
	// Config is the name of the config that contains both blocks. It is empty when there is no such config, which
	// happens only to nodes that arrived with podCIDRs.
	Config string
	// PodCIDRs has an invalid prefix for a family that the node arrived without.
	PodCIDRs family.Pair[netip.Prefix]
}

// New returns an Allocator for a cluster without nodes. The error joins everything wrong with the configs: a
// missing or duplicate name, a range of the wrong family or with host bits set, a node mask that is shorter than
// its range's prefix or longer than an address.
func New(configs []Config) (*Allocator, error) {
	a := &Allocator{nodes: map[string]*node{}}
	if err := a.SetConfigs(configs); err != nil {
		return nil, err
	}
	return a, nil
}

// SetConfigs replaces the configs. Nodes keep their podCIDRs, and these addresses stay occupied even when their
// config is gone. On an error nothing changes; the errors are those of New.
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

// Reserve keeps every block that overlaps p from being allocated, permanently: reservations survive SetConfigs and
// cannot be undone. Callers reserve the Service ranges this way, before they add nodes.
func (a *Allocator) Reserve(p netip.Prefix) {
	if !p.IsValid() {
		return
	}
	p = p.Masked()
	a.reserved = append(a.reserved, p)
	a.occupied[family.Of(p.Addr())].change(p, +1)
}

// Add registers nodes and occupies the podCIDRs they hold. It returns what is wrong with these as findings, in the
// order of nodes; no finding prevents a node from being registered. Adding a node again is safe, as at every update
// that a controller sees: its labels are replaced, and its podCIDRs too, unless the new ones are empty.
func (a *Allocator) Add(nodes ...Node) []Finding {
	_, findings := a.add(nodes)
	return findings
}

// add implements Add. It also returns the registered nodes, in the order given.
func (a *Allocator) add(nodes []Node) ([]*node, []Finding) {
	if len(a.nodes) == 0 {
		a.nodes = make(map[string]*node, len(nodes))
	}
	all := make([]*node, len(nodes))
	var arrived []*node
	// Occupy first and inspect afterwards: a node may collide with one that comes later in the same call.
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

// Allocate returns the node's podCIDRs and assigns them first when the node holds none: a block of each family or
// nothing. A node that holds any podCIDR keeps what it has, even if that is incomplete or lies outside every
// config. The node must have been added. The error is a *NoMatchError when no config selects the node, and an
// *ExhaustedError when every config that does is full.
func (a *Allocator) Allocate(name string) (Assignment, error) {
	n, ok := a.nodes[name]
	if !ok {
		return Assignment{}, fmt.Errorf("cannot allocate podCIDRs for node %s: it was never added", name)
	}
	return a.allocate(n)
}

// allocate implements Allocate for a registered node. The best config is cached on the node, so the candidates are
// computed and sorted only when that config is full.
func (a *Allocator) allocate(n *node) (Assignment, error) {
	switch {
	case !n.none():
		return Assignment{Config: a.configOf(n), PodCIDRs: n.first}, nil
	case n.best == nil:
		return Assignment{}, &NoMatchError{Node: n.name, Configs: a.catalog.names}
	case a.take(n.best, n):
		return Assignment{Config: n.best.Name, PodCIDRs: n.first}, nil
	}
	candidates := a.catalog.candidates(n.labels)
	for _, c := range candidates[1:] { // the first is n.best
		if a.take(c, n) {
			return Assignment{Config: c.Name, PodCIDRs: n.first}, nil
		}
	}
	return Assignment{}, a.exhausted(n.name, candidates)
}

// take assigns the lowest free block of each family of c to n, and reports whether both families had one. It looks
// up both blocks before it occupies either: the upstream allocator leaks an IPv4 block at every retry when IPv6 is
// exhausted.
func (a *Allocator) take(c *candidate, n *node) bool {
	v4, ok := a.lowest(c, family.IPv4)
	if !ok {
		return false
	}
	v6, ok := a.lowest(c, family.IPv6)
	if !ok {
		return false
	}
	a.occupied[family.IPv4].change(v4, +1)
	a.occupied[family.IPv6].change(v6, +1)
	n.first = family.Pair[netip.Prefix]{v4, v6}
	return true
}

// lowest returns the lowest free block outside the ranges of more specific configs. Only when there is no such
// block it returns the lowest free block inside them.
func (a *Allocator) lowest(c *candidate, f family.Family) (netip.Prefix, bool) {
	if block, ok := c.outside[f].lowest(c.of(f), &a.occupied[f], &c.level.spared[f]); ok {
		return block, true
	}
	return c.anywhere[f].lowest(c.of(f), &a.occupied[f])
}

// Release forgets a node that no longer exists. Its blocks are free again, except for addresses that another node
// holds too. Releasing an unknown node does nothing.
func (a *Allocator) Release(name string) {
	n, ok := a.nodes[name]
	if !ok {
		return
	}
	a.vacate(n)
	a.catalog.remove(n.labels)
	delete(a.nodes, name)
}
