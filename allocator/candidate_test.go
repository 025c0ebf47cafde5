package allocator_test

import "testing"

func TestRank(t *testing.T) {
	t.Parallel()
	const node = "n {l0=n0,l1=x,l2=y} = "
	runStories(t, []story{
		{
			name: "more matched labels",
			configs: []string{
				"c1 10.0.0.0/8>24 ace:cab:deca::/112>120 {l0=n0}",
				"c2 127.0.0.0/8>24 abc:def:deca::/112>120 {l0=n0,l1=x}",
			},
			lines: []string{node + "c2 127.0.0.0/24 abc:def:deca::/120"},
		},
		{
			name: "more matched labels, in a range that another config has used",
			configs: []string{
				"c1 10.0.0.0/8>24 ace:cab:deca::/112>120 {l0=n0}",
				"c2 10.0.0.0/16>24 ace:cab:deca::/112>120 {l0=n0,l1=x}",
			},
			lines: []string{
				"a {l0=n0} [10.0.0.0/24 ace:cab:deca::/120]",
				"b {l0=n0} [10.0.1.0/24 ace:cab:deca:1::/120]",
				"c {l0=n0} [10.0.2.0/24 ace:cab:deca:2::/120]",
				"d {l0=n0} [10.0.4.0/24 ace:cab:deca:3::/120]",
				node + "c2 10.0.3.0/24 ace:cab:deca::100/120",
			},
		},
		{
			name: "fewer blocks",
			configs: []string{
				"c1 127.0.0.0/8>24 abc:def:deca::/112>120 {l0=n0,l1=x}",
				"c2 10.0.0.0/24>24 ace:cab:deca::/120>120 {l0=n0,l2=y}",
			},
			lines: []string{node + "c2 10.0.0.0/24 ace:cab:deca::/120"},
		},
		{
			name: "fewer blocks in the smaller family",
			configs: []string{
				"c1 127.123.234.0/23>24 abc:def:deca::/112>120 {l0=n0,l1=x}",
				"c2 10.0.0.0/16>24 ace:cab:deca::/120>120 {l0=n0,l2=y}",
			},
			lines: []string{node + "c2 10.0.0.0/24 ace:cab:deca::/120"},
		},
		{
			name: "fewer blocks counts what there is, not what is free",
			configs: []string{
				"c1 10.1.0.0/22>24 fd00:1::/112>120 {l0=n0}",
				"c2 10.2.0.0/23>24 fd00:2::/112>120 {l1=x}",
			},
			lines: []string{
				"a [10.1.0.0/24 fd00:1::/120]", "b [10.1.1.0/24 fd00:1::100/120]", "c [10.1.2.0/24 fd00:1::200/120]",
				node + "c2 10.2.0.0/24 fd00:2::/120",
			},
		},
		{
			name: "smaller blocks",
			configs: []string{
				"c1 127.123.234.0/24>24 abc:def:deca::/120>120 {l0=n0,l1=x}",
				"c2 10.0.0.0/32>32 ace:cab:deca::/128>128 {l0=n0,l2=y}",
			},
			lines: []string{node + "c2 10.0.0.0/32 ace:cab:deca::/128"},
		},
		{
			name: "smaller IPv6 blocks when IPv4 is equal", why: "upstream looks at IPv4 alone",
			configs: []string{
				"c1 10.1.0.0/16>24 abc::/112>120 {l0=n0,l1=x}",
				"c2 10.2.0.0/16>24 ace::/113>121 {l0=n0,l2=y}",
			},
			lines: []string{node + "c2 10.2.0.0/24 ace::/121"},
		},
		{
			name: "selector text",
			configs: []string{
				"c1 127.123.0.0/16>24 abc:def:deca::/112>120 {l0=n0,l1=x}",
				"c2 10.0.0.0/16>24 ace:cab:deca::/112>120 {l0=n0,l2=y}",
			},
			lines: []string{node + "c1 127.123.0.0/24 abc:def:deca::/120"},
		},
		{
			name: "lower IPv4 range",
			configs: []string{
				"c1 127.123.0.0/16>24 abc:def:deca::/112>120 {l0=n0,l1=x}",
				"c2 10.0.0.0/16>24 ace:cab:deca::/112>120 {l0=n0,l1=x}",
			},
			lines: []string{node + "c2 10.0.0.0/24 ace:cab:deca::/120"},
		},
		{
			name: "ranges compare as numbers", why: "upstream compares text, by which 10 is before 9",
			configs: []string{"c1 10.0.0.0/16>24 fd00::/112>120", "c2 9.0.0.0/16>24 fd01::/112>120"},
			lines:   []string{node + "c2 9.0.0.0/24 fd01::/120"},
		},
		{
			name: "lower IPv6 range when IPv4 is equal", why: "upstream compares text, by which 10 is before 9",
			configs: []string{"c1 10.0.0.0/16>24 2001:db8:10::/112>120", "c2 10.0.0.0/16>24 2001:db8:9::/112>120"},
			lines:   []string{node + "c2 10.0.0.0/24 2001:db8:9::/120"},
		},
		{
			name:    "name",
			configs: []string{"b 10.0.0.0/16>24 fd00::/112>120", "a 10.0.0.0/16>24 fd00::/112>120"},
			lines:   []string{node + "a 10.0.0.0/24 fd00::/120"},
		},
		{
			name: "fallback comes last, however small", why: "upstream takes fallbacks in the order of insertion",
			configs: []string{"c1 10.0.0.0/24>24 fd00::/120>120", "c2 10.1.0.0/16>24 fd01::/112>120 {l0=n0}"},
			lines:   []string{node + "c2 10.1.0.0/24 fd01::/120", "m = c1 10.0.0.0/24 fd00::/120"},
		},
	})
}
