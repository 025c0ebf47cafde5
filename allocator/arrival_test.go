package allocator_test

import (
	"net/netip"
	"testing"

	"github.com/dualstrap/dualstrap/allocator"
)

// TestArrival checks nodes that arrive with podCIDRs.
func TestArrival(t *testing.T) {
	t.Parallel()
	runStories(t, []story{
		{
			name:    "host bits are ignored",
			configs: []string{"c 10.10.0.0/16>24 ace:cab:deca::/112>120"},
			lines: []string{
				"a [10.10.0.1/24 ace:cab:deca::1/120] = c 10.10.0.0/24 ace:cab:deca::/120",
				"b = c 10.10.1.0/24 ace:cab:deca::100/120",
			},
		},
		{
			name:    "IPv6 first is the same",
			configs: []string{"c 10.10.0.0/16>24 ace:cab:deca::/112>120"},
			lines:   []string{"a [ace:cab:deca::/120 10.10.0.0/24] = c 10.10.0.0/24 ace:cab:deca::/120"},
		},
		{
			name:    "gap between holders",
			configs: []string{"c 10.10.0.0/22>24 fd00::/118>120"},
			lines: []string{
				"a [10.10.0.0/24 fd00::/120]",
				"b [10.10.2.0/24 fd00::200/120]",
				"a [10.10.0.0/24 fd00::/120]",
				"c = c 10.10.1.0/24 fd00::100/120",
				"-a",
				"d = c 10.10.0.0/24 fd00::/120",
			},
		},
		{
			name:    "foreign podCIDRs are kept, and of no config",
			configs: []string{"c 10.10.0.0/16>24 fd00::/112>120"},
			lines: []string{
				"a [172.10.0.0/24 fd01::/120] = 172.10.0.0/24 fd01::/120",
				"b = c 10.10.0.0/24 fd00::/120",
			},
		},
		{
			name: "half foreign podCIDRs take what they cover", why: "upstream occupies nothing of a pair it cannot place",
			configs: []string{"c 10.10.0.0/16>24 ace:cab:deca::/112>120"},
			lines: []string{
				"a [10.10.0.1/24 a00::/86] = 10.10.0.0/24 a00::/86",
				"b [172.10.0.1/24 ace:cab:deca::1/120] = 172.10.0.0/24 ace:cab:deca::/120",
				"c = c 10.10.1.0/24 ace:cab:deca::100/120",
			},
		},
		{
			name: "larger than a block takes all it covers", why: "upstream: the whole range",
			configs: []string{"c 10.10.0.0/16>24 fd00::/112>120"},
			lines: []string{
				"a [10.10.0.0/22 fd00::/119] = c 10.10.0.0/22 fd00::/119",
				"b = c 10.10.4.0/24 fd00::200/120",
			},
		},
		{
			name:    "larger than the range takes the range",
			configs: []string{"c 10.10.0.0/16>24 fd00::/112>120"},
			lines:   []string{"a [10.0.0.0/8 fd00::/64] = 10.0.0.0/8 fd00::/64", "b = exhausted"},
		},
		{
			name:    "smaller than a block takes the block",
			configs: []string{"c 10.10.0.0/16>24 fd00::/112>120"},
			lines: []string{
				"a [10.10.0.64/26 fd00::40/122] = c 10.10.0.64/26 fd00::40/122",
				"b = c 10.10.1.0/24 fd00::100/120",
			},
		},
		{
			name:    "one family is never completed",
			configs: []string{"c 10.10.0.0/16>24 fd00::/112>120"},
			lines: []string{
				"a [10.10.0.0/24] = 10.10.0.0/24 invalid Prefix",
				"b [fd00::/120] = invalid Prefix fd00::/120",
				"c = c 10.10.1.0/24 fd00::100/120",
			},
		},
		{
			name:    "second block of a family is taken and let go too",
			configs: []string{"c 10.10.0.0/16>24 fd00::/112>120"},
			lines: []string{
				"a [10.10.0.0/24 10.10.1.0/24 fd00::/120] = c 10.10.0.0/24 fd00::/120",
				"b = c 10.10.2.0/24 fd00::100/120",
				"-a",
				"c = c 10.10.0.0/24 fd00::/120",
				"d = c 10.10.1.0/24 fd00::200/120",
			},
		},
		{
			name: "config is the one whose blocks they are",
			configs: []string{
				"wide 10.10.0.0/16>25 fd00::/112>120 {a=1}",
				"fits 10.10.0.0/16>24 fd00::/112>120 {b=1}",
			},
			lines: []string{"a {a=1} [10.10.0.0/24 fd00::/120] = fits 10.10.0.0/24 fd00::/120"},
		},
		{
			name: "config is one the node may use, if there is one",
			configs: []string{
				"other 10.10.0.0/16>24 fd00::/112>120 {a=1}",
				"own 10.10.0.0/16>24 fd00::/112>120",
			},
			lines: []string{"a [10.10.0.0/24 fd00::/120] = own 10.10.0.0/24 fd00::/120"},
		},
		{
			name:    "new podCIDRs replace the old, none do not",
			configs: []string{"c 10.10.0.0/16>24 fd00::/112>120"},
			lines: []string{
				"a = c 10.10.0.0/24 fd00::/120",
				"a = c 10.10.0.0/24 fd00::/120",
				"a [10.10.7.0/24 fd00::700/120] = c 10.10.7.0/24 fd00::700/120",
				"b = c 10.10.0.0/24 fd00::/120",
			},
		},
	})
}

func TestNoPodCIDRsAreIgnored(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, configs("c 10.10.0.0/16>24 fd00::/112>120"))
	findings := a.Add(
		allocator.Node{Name: "a", PodCIDRs: []netip.Prefix{{}}},
		allocator.Node{Name: "b", PodCIDRs: append(prefixes(t, "10.10.0.0/24 fd00::/120"), netip.Prefix{})},
	)
	if len(findings) > 0 {
		t.Errorf("findings %v", findings)
	}
	if got, want := outcome(a.Allocate("a")), "c 10.10.1.0/24 fd00::100/120"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
