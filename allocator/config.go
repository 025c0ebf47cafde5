package allocator

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/dualstrap/dualstrap/internal/family"
)

// Config is one ClusterCIDRConfig.
type Config struct {
	Name string
	// MatchLabels are the labels that a node must carry, with these values, to use the config. An empty map makes
	// the config a fallback for every node.
	MatchLabels map[string]string
	V4, V6      Range
	// Closed stops the config from allocating further blocks. Nodes keep the blocks they hold. The controller
	// closes a config that is being deleted.
	Closed bool
}

// Range is one family of a Config: CIDR divided into blocks of prefix length NodeMask, one per node. Any difference
// between the two lengths is allowed; upstream refuses more than 16 for IPv6.
type Range struct {
	CIDR     netip.Prefix
	NodeMask int
}

// of returns the config's range of one family.
func (c *Config) of(f family.Family) Range {
	if f == family.IPv4 {
		return c.V4
	}
	return c.V6
}

// validate returns everything wrong with the config's ranges, joined; nil when they are valid.
func (c *Config) validate() error {
	var problems []error
	for _, f := range family.All() {
		if err := c.of(f).validate(f); err != nil {
			problems = append(problems, fmt.Errorf("cannot use ClusterCIDRConfig %s: %s range: %w", c.Name, f, err))
		}
	}
	return errors.Join(problems...)
}

// validate returns the first problem of a range of family f. Host bits are an error because upstream masks them
// silently, so an author's typing error goes unnoticed.
func (r Range) validate(f family.Family) error {
	switch p := r.CIDR; {
	case !p.IsValid():
		return errors.New("it is missing; a config has one of each family")
	case family.Of(p.Addr()) != f || p.Addr().Is4In6():
		return fmt.Errorf("%s is not of this family", p)
	case p != p.Masked():
		return fmt.Errorf("%s has host bits set; write %s", p, p.Masked())
	case r.NodeMask < p.Bits():
		return fmt.Errorf("blocks of /%d do not fit into %s; the node mask is %d to %d", r.NodeMask, p, p.Bits(), f.Bits())
	case r.NodeMask > f.Bits():
		return fmt.Errorf("blocks of /%d are smaller than an address; the node mask is %d to %d", r.NodeMask, p.Bits(), f.Bits())
	}
	return nil
}

// has reports whether p is exactly one block of the range.
func (r Range) has(p netip.Prefix) bool {
	return p.Bits() == r.NodeMask && r.CIDR.Contains(p.Addr())
}

// spans reports whether p lies inside the range, whether or not it is a block.
func (r Range) spans(p netip.Prefix) bool {
	return p.Bits() >= r.CIDR.Bits() && r.CIDR.Contains(p.Addr())
}
