package allocator_test

import "testing"

// The tables restate the known behaviour of the Kubernetes multi-CIDR allocator, with a second family where the
// original has one. Where this allocator differs on purpose, the field why gives the reason.

func TestBlocks(t *testing.T) {
	t.Parallel()
	runStories(t, []story{
		{
			name:    "first block",
			configs: []string{"c 127.123.234.0/24>30 fd00:20:100::/112>120 {p=n}"},
			lines:   []string{"n {p=n} = c 127.123.234.0/30 fd00:20:100::/120"},
		},
		{
			name:    "reserved range is left out",
			configs: []string{"c 127.123.234.0/24>30 fd00:20:100::/112>120 {p=n}"},
			lines: []string{
				"reserve 127.123.234.0/26 fd00:20:100::/119",
				"n {p=n} = c 127.123.234.64/30 fd00:20:100::200/120",
			},
		},
		{
			name:    "lowest gap after a reserved range",
			configs: []string{"c 127.123.234.0/24>30 fd00:20:100::/112>120 {p=n}"},
			lines: []string{
				"reserve 127.123.234.0/26",
				"a {p=n} [127.123.234.64/30 fd00:20:100::/120]",
				"b {p=n} [127.123.234.68/30 fd00:20:100::100/120]",
				"c {p=n} [127.123.234.72/30 fd00:20:100::300/120]",
				"d {p=n} [127.123.234.80/30 fd00:20:100::400/120]",
				"n {p=n} = c 127.123.234.76/30 fd00:20:100::200/120",
			},
		},
		{
			name:    "reserved range smaller than a block takes the block",
			configs: []string{"c 10.0.0.0/16>24 fd00::/112>120"},
			lines: []string{
				"reserve 10.0.0.10/32 fd00::5/128",
				"n = c 10.0.1.0/24 fd00::100/120",
			},
		},
		{
			name:    "all labels of the node's config",
			configs: []string{"c 192.168.0.0/16>24 fd00:30:100::/112>120 {a=1,b=1}"},
			lines: []string{
				"n {a=1,b=1,c=1} = c 192.168.0.0/24 fd00:30:100::/120",
				"m {a=1} = no match",
				"o {a=1,b=2} = no match",
			},
		},
		{
			name:    "second node",
			configs: []string{"c 10.2.0.0/16>24 fd00:20:96::/112>120"},
			lines: []string{
				"n = c 10.2.0.0/24 fd00:20:96::/120",
				"m = c 10.2.1.0/24 fd00:20:96::100/120",
			},
		},
		{
			name:    "config without selector serves any node",
			configs: []string{"c 10.96.0.0/12>24 fd00:10:96::/112>120"},
			lines:   []string{"n {x=unmatched} = c 10.96.0.0/24 fd00:10:96::/120"},
		},
		{
			name:    "range of one block",
			configs: []string{"c 127.123.234.0/28>28 beef:1234::/112>112"},
			lines: []string{
				"n = c 127.123.234.0/28 beef:1234::/112",
				"m = exhausted",
				"-n",
				"m = c 127.123.234.0/28 beef:1234::/112",
			},
		},
		{
			name:    "range that does not end on a nibble",
			configs: []string{"c 10.0.0.0/13>15 2001:beef:1234:3690::/60>64"},
			lines: []string{
				"n = c 10.0.0.0/15 2001:beef:1234:3690::/64",
				"m = c 10.2.0.0/15 2001:beef:1234:3691::/64",
			},
		},
		{
			name:    "families are not paired by index",
			configs: []string{"c 10.0.0.0/16>24 fd00::/112>120"},
			lines: []string{
				"reserve 10.0.0.0/23",
				"n = c 10.0.2.0/24 fd00::/120",
			},
		},
		{
			name:    "up to the last addresses there are",
			configs: []string{"c 255.255.255.252/30>31 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127>128"},
			lines: []string{
				"n = c 255.255.255.252/31 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/128",
				"m = c 255.255.255.254/31 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
				"o = exhausted",
				"-m",
				"o = c 255.255.255.254/31 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
			},
		},
		{
			name:    "all addresses there are",
			configs: []string{"c 0.0.0.0/0>1 ::/0>1"},
			lines: []string{
				"n = c 0.0.0.0/1 ::/1",
				"m = c 128.0.0.0/1 8000::/1",
				"o = exhausted",
			},
		},
	})
}

// TestMaskDifference checks large differences between the mask lengths. It reaches a block far into the range by
// occupying everything below it.
func TestMaskDifference(t *testing.T) {
	t.Parallel()
	runStories(t, []story{
		{
			name: "IPv6 difference of 56", why: "upstream refuses more than 16",
			configs: []string{"c 10.0.0.0/8>24 fd00:1:1::/64>120"},
			lines: []string{
				"n = c 10.0.0.0/24 fd00:1:1::/120",
				"big [10.255.0.0/16 fd00:1:1::/65]",
				"m = c 10.0.1.0/24 fd00:1:1:0:8000::/120",
			},
		},
		{
			name: "IPv6 difference of 17", why: "upstream refuses more than 16",
			configs: []string{"c 10.0.0.0/8>24 fd00::/103>120"},
			lines: []string{
				"big [10.0.0.0/24 fd00::/104]",
				"n = c 10.0.1.0/24 fd00::100:0/120",
			},
		},
		{
			name:    "difference of 128",
			configs: []string{"c 0.0.0.0/0>32 ::/0>128"},
			lines: []string{
				"big [0.0.0.0/1 ::/1]",
				"n = c 128.0.0.0/32 8000::/128",
			},
		},
		blockNumber6425("2001:db8:85a3::/50>63", "2001:db8:85a3::/52 2001:db8:85a3:1000::/52 2001:db8:85a3:2000::/52 "+
			"2001:db8:85a3:3000::/55 2001:db8:85a3:3200::/59 2001:db8:85a3:3220::/60 2001:db8:85a3:3230::/63", "2001:db8:85a3:3232::/63"),
		blockNumber6425("2001:db8::/32>48", "2001:db8::/36 2001:db8:1000::/37 2001:db8:1800::/40 2001:db8:1900::/44 "+
			"2001:db8:1910::/45 2001:db8:1918::/48", "2001:db8:1919::/48"),
		blockNumber6425("2001:db8:1234:ff00::/56>72", "2001:db8:1234:ff00::/60 2001:db8:1234:ff10::/61 2001:db8:1234:ff18::/64 "+
			"2001:db8:1234:ff19::/68 2001:db8:1234:ff19:1000::/69 2001:db8:1234:ff19:1800::/72", "2001:db8:1234:ff19:1900::/72"),
		blockNumber6425("2001:db8:1234:ff00::/80>96", "2001:db8:1234:ff00::/84 2001:db8:1234:ff00:0:1000::/85 "+
			"2001:db8:1234:ff00:0:1800::/88 2001:db8:1234:ff00:0:1900::/92 2001:db8:1234:ff00:0:1910::/93 "+
			"2001:db8:1234:ff00:0:1918::/96", "2001:db8:1234:ff00:0:1919::/96"),
		{
			name:    "single addresses",
			configs: []string{"c 192.168.5.208/28>32 2001:db8:1234:0:1234::/80>96"},
			lines: []string{
				"reserve 192.168.5.208/30 192.168.5.212/32",
				"reserve 2001:db8:1234:0:1234::/93 2001:db8:1234:0:1234:8::/94 2001:db8:1234:0:1234:c::/95 2001:db8:1234:0:1234:e::/96",
				"n = c 192.168.5.213/32 2001:db8:1234:0:1234:f::/96",
			},
		},
	})
}

// blockNumber6425 returns a story that reserves the first 6425 blocks of an IPv6 range and allocates the next one.
func blockNumber6425(ipv6, below, want string) story {
	return story{
		name:    "block 6425 of " + ipv6,
		configs: []string{"c 10.0.0.0/8>24 " + ipv6},
		lines:   []string{"reserve " + below, "n = c 10.0.0.0/24 " + want},
	}
}

func TestExhaustion(t *testing.T) {
	t.Parallel()
	runStories(t, []story{
		{
			name: "next config in rank",
			configs: []string{
				"c1 10.0.0.0/24>24 fd00::/112>120 {p=1,r=1}",
				"c2 10.1.0.0/16>24 fd01::/112>120 {p=1}",
				"c3 10.2.0.0/16>24 fd02::/112>120",
			},
			lines: []string{
				"a {p=1,r=1} = c1 10.0.0.0/24 fd00::/120",
				"b {p=1,r=1} = c2 10.1.0.0/24 fd01::/120",
				"c {q=1} = c3 10.2.0.0/24 fd02::/120",
			},
		},
		{
			name:    "nothing left",
			configs: []string{"c 127.123.234.0/31>32 fd00::/112>120"},
			lines: []string{
				"a = c 127.123.234.0/32 fd00::/120",
				"b = c 127.123.234.1/32 fd00::100/120",
				"c = exhausted",
				"c = exhausted",
			},
		},
		{
			name:    "no config for this node is another error than no room",
			configs: []string{"c 10.0.0.0/24>24 fd00::/120>120 {p=1}"},
			lines:   []string{"a {p=1} = c 10.0.0.0/24 fd00::/120", "b {p=1} = exhausted", "c = no match"},
		},
		{
			name:  "no config at all",
			lines: []string{"a {p=1} = no match"},
		},
		{
			name:    "range that is reserved as a whole",
			configs: []string{"c 10.0.0.0/24>28 fd00::/112>120"},
			lines:   []string{"reserve 10.0.0.0/8", "a = exhausted"},
		},
	})
}

func TestRelease(t *testing.T) {
	t.Parallel()
	runStories(t, []story{
		{
			name:    "block goes to the next node",
			configs: []string{"c 192.168.0.0/23>24 fd00:30:100::/119>120"},
			lines: []string{
				"a = c 192.168.0.0/24 fd00:30:100::/120",
				"b = c 192.168.1.0/24 fd00:30:100::100/120",
				"-a",
				"c = c 192.168.0.0/24 fd00:30:100::/120",
			},
		},
		{
			name: "lowest free block, not the next", why: "upstream returns 10.0.2.0/24: its cursor goes round, and a restart resets it",
			configs: []string{"c 10.0.0.0/22>24 fd00::/118>120"},
			lines: []string{
				"a = c 10.0.0.0/24 fd00::/120",
				"b = c 10.0.1.0/24 fd00::100/120",
				"-a",
				"c = c 10.0.0.0/24 fd00::/120",
			},
		},
		{
			name:    "gap in a full range",
			configs: []string{"c 127.123.234.0/28>30 fd00::/118>120"},
			lines: []string{
				"a = c 127.123.234.0/30 fd00::/120", "b = c 127.123.234.4/30 fd00::100/120",
				"c = c 127.123.234.8/30 fd00::200/120", "d = c 127.123.234.12/30 fd00::300/120",
				"e = exhausted",
				"-b",
				"e = c 127.123.234.4/30 fd00::100/120",
			},
		},
		{
			name:    "node that never was",
			configs: []string{"c 10.0.0.0/24>24 fd00::/120>120"},
			lines:   []string{"-a", "a = c 10.0.0.0/24 fd00::/120", "-a", "-a", "b = c 10.0.0.0/24 fd00::/120", "c = exhausted"},
		},
		{
			name:    "half a block stays taken",
			configs: []string{"c 10.0.0.0/23>24 fd00::/119>120"},
			lines: []string{
				"a [10.0.0.0/25 fd00::/121]", "b [10.0.0.128/25 fd00::80/121]",
				"-a",
				"c = c 10.0.1.0/24 fd00::100/120",
				"-b",
				"d = c 10.0.0.0/24 fd00::/120",
			},
		},
	})
}
