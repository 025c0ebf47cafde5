package allocator

import (
	"errors"
	"fmt"
	"net/netip"
)

// Config is one ClusterCIDRConfig.
type Config struct {
	Name string
	// MatchLabels is what a node must carry to use the config. Empty for a fallback that every node
	// may use.
	MatchLabels map[string]string
	V4, V6      Range
	// Closed configs hand out nothing more. What nodes hold of them stays theirs.
	Closed bool
}

// Range is one family of a Config: CIDR cut into blocks of prefix length NodeMask, one for a node.
// The two may lie any number of bits apart.
type Range struct {
	CIDR     netip.Prefix
	NodeMask int
}

// of gives the config's range of one family.
func (c *Config) of(f family) Range {
	if f == ipv4 {
		return c.V4
	}
	return c.V6
}

// validate gives all that is wrong with the config's ranges.
func (c *Config) validate() error {
	var problems []error
	for f := range families {
		if err := c.of(f).validate(f); err != nil {
			problems = append(problems, fmt.Errorf("cannot use ClusterCIDRConfig %s: %s range: %w", c.Name, f, err))
		}
	}
	return errors.Join(problems...)
}

func (r Range) validate(f family) error {
	switch p := r.CIDR; {
	case !p.IsValid():
		return errors.New("it is missing; a config has one of each family")
	case familyOf(p) != f || p.Addr().Is4In6():
		return fmt.Errorf("%s is not of this family", p)
	case p != p.Masked():
		return fmt.Errorf("%s has host bits set; write %s", p, p.Masked())
	case r.NodeMask < p.Bits():
		return fmt.Errorf("blocks of /%d do not fit into %s; the node mask is %d to %d", r.NodeMask, p, p.Bits(), f.bits())
	case r.NodeMask > f.bits():
		return fmt.Errorf("blocks of /%d are smaller than an address; the node mask is %d to %d", r.NodeMask, p.Bits(), f.bits())
	}
	return nil
}

// has reports whether p is one block of the range.
func (r Range) has(p netip.Prefix) bool {
	return p.Bits() == r.NodeMask && r.CIDR.Contains(p.Addr())
}

// spans reports whether p lies in the range, be it a block or not.
func (r Range) spans(p netip.Prefix) bool {
	return p.Bits() >= r.CIDR.Bits() && r.CIDR.Contains(p.Addr())
}
