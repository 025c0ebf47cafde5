package allocator_test

import (
	"net/netip"
	"strconv"

	"github.com/dualstrap/dualstrap/allocator"
)

// The fuzzer uses two ranges of 64 addresses in each family. The second one ends at the last address of the family.
const (
	low4, high4 = "10.0.0.0", "255.255.255.192"
	low6, high6 = "fd00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffc0"
)

// choose returns a number below n from the next byte of the script.
func (d *duel) choose(n int) int {
	if len(d.script) == 0 {
		return 0
	}
	b := d.script[0]
	d.script = d.script[1:]
	return int(b) % n
}

func (d *duel) setConfigs() {
	d.Helper()
	configs := make([]allocator.Config, d.choose(6))
	for i := range configs {
		// The first digit keeps names from always sorting in the order of the configs.
		configs[i] = allocator.Config{
			Name:        "c" + strconv.Itoa(d.choose(2)) + strconv.Itoa(i),
			MatchLabels: d.labels(),
			V4:          d.anyRange(low4, high4, 26),
			V6:          d.anyRange(low6, high6, 122),
		}
	}
	d.oracle.configs = configs
	if err := d.real.SetConfigs(configs); err != nil {
		d.Fatal(err)
	}
}

// anyRange returns a range of up to 64 addresses.
func (d *duel) anyRange(low, high string, bits int) allocator.Range {
	cidr := d.prefix(low, high, bits)
	room := cidr.Addr().BitLen() - cidr.Bits()
	return allocator.Range{CIDR: cidr, NodeMask: cidr.Bits() + d.choose(room+1)}
}

func (d *duel) prefix(low, high string, bits int) netip.Prefix {
	base := netip.MustParseAddr(low)
	if d.choose(4) == 0 {
		base = netip.MustParseAddr(high)
	}
	for range d.choose(64) {
		base = base.Next()
	}
	return netip.PrefixFrom(base, bits+d.choose(7)).Masked()
}

func (d *duel) labels() map[string]string {
	labels := map[string]string{}
	for _, key := range []string{"a", "b", "c"} {
		if value := d.choose(5); value < 2 {
			labels[key] = strconv.Itoa(value)
		}
	}
	return labels
}

// node returns one of eight nodes. Most hold nothing, some hold valid blocks, some hold arbitrary prefixes.
func (d *duel) node() allocator.Node {
	n := allocator.Node{Name: "n" + strconv.Itoa(d.choose(8)), Labels: d.labels()}
	switch d.choose(8) {
	case 0:
		for range d.choose(4) {
			if d.choose(2) == 0 {
				n.PodCIDRs = append(n.PodCIDRs, d.prefix(low4, high4, 26))
			} else {
				n.PodCIDRs = append(n.PodCIDRs, d.prefix(low6, high6, 122))
			}
		}
	case 1:
		if len(d.oracle.configs) > 0 {
			c := d.oracle.configs[d.choose(len(d.oracle.configs))]
			v4, v6 := blocks(c.V4), blocks(c.V6)
			n.PodCIDRs = []netip.Prefix{v6[d.choose(len(v6))], v4[d.choose(len(v4))]}
		}
	}
	return n
}
