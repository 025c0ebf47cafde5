package allocator_test

import "testing"

// TestReservation checks ranges that lie inside the ranges of other configs.
func TestReservation(t *testing.T) {
	t.Parallel()
	const (
		cluster = "cluster 10.0.0.0/22>24 fd00::/118>120"
		pool    = "pool 10.0.0.0/23>24 fd00::/119>120 {p=1}"
	)
	runStories(t, []story{
		{
			name:    "less specific config stays out while there is room elsewhere",
			configs: []string{cluster, pool},
			lines: []string{
				"a {p=1} = pool 10.0.0.0/24 fd00::/120",
				"b = cluster 10.0.2.0/24 fd00::200/120",
				"c = cluster 10.0.3.0/24 fd00::300/120",
				"d = cluster 10.0.1.0/24 fd00::100/120",
				"e {p=1} = exhausted",
			},
		},
		{
			name:    "range that no node is selected for is not spared",
			configs: []string{cluster, pool},
			lines:   []string{"a = cluster 10.0.0.0/24 fd00::/120"},
		},
		{
			name:    "range is spared from the moment a node matches until the last is gone",
			configs: []string{cluster, pool},
			lines: []string{
				"a {p=1}", "b {p=1}",
				"c = cluster 10.0.2.0/24 fd00::200/120",
				"-a", "-c",
				"c = cluster 10.0.2.0/24 fd00::200/120",
				"-b", "-c",
				"c = cluster 10.0.0.0/24 fd00::/120",
			},
		},
		{
			name:    "changed labels count as they are now",
			configs: []string{cluster, pool},
			lines: []string{
				"a {p=1}", "a {p=2}",
				"b = cluster 10.0.0.0/24 fd00::/120",
				"a {p=1}",
				"c = cluster 10.0.2.0/24 fd00::200/120",
			},
		},
		{
			name:    "a node that holds foreign podCIDRs matches too",
			configs: []string{cluster, pool},
			lines:   []string{"a {p=1} [172.16.0.0/24 fd99::/120]", "b = cluster 10.0.2.0/24 fd00::200/120"},
		},
		{
			name:    "families are spared apart",
			configs: []string{cluster, "pool 10.0.0.0/23>24 fd01::/119>120 {p=1}"},
			lines:   []string{"a {p=1}", "b = cluster 10.0.2.0/24 fd00::/120"},
		},
		{
			name:    "one family may have room elsewhere and the other not",
			configs: []string{cluster, "pool 10.0.0.0/23>24 fd00::/64>120 {p=1}"},
			lines:   []string{"a {p=1}", "b = cluster 10.0.2.0/24 fd00::/120"},
		},
		{
			name: "less or equally specific configs are not spared",
			configs: []string{
				"one 10.0.0.0/22>24 fd00::/118>120 {p=1}",
				"two 10.0.0.0/23>24 fd00::/119>120 {q=1}",
				"all 10.0.0.0/24>24 fd00::/120>120",
			},
			lines: []string{"a {q=1}", "b", "c {p=1} = one 10.0.0.0/24 fd00::/120"},
		},
		{
			name:    "block that reaches into a spared range is spared",
			configs: []string{cluster, "tiny 10.0.0.64/26>28 fd00::40/122>124 {p=1}"},
			lines:   []string{"a {p=1}", "b = cluster 10.0.1.0/24 fd00::100/120"},
		},
		{
			name: "three levels",
			configs: []string{
				cluster,
				"pool 10.0.0.0/23>24 fd00::/119>120 {p=1}",
				"node 10.0.0.0/24>24 fd00::/120>120 {p=1,ip=1}",
			},
			lines: []string{
				"a {p=1,ip=1}", "b {p=1}",
				"b {p=1} = pool 10.0.1.0/24 fd00::100/120",
				"c = cluster 10.0.2.0/24 fd00::200/120",
				"a {p=1,ip=1} = node 10.0.0.0/24 fd00::/120",
			},
		},
		{
			name: "per-node range inside the cluster-wide one",
			configs: []string{
				"cluster 192.168.0.0/16>24 fd12::1:0/112>120",
				"special 192.168.1.0/24>24 fd12::1:100/120>120 {ip=10.2.0.6}",
			},
			lines: []string{
				"10.2.0.6 {ip=10.2.0.6}",
				"10.2.0.4 {ip=10.2.0.4} = cluster 192.168.0.0/24 fd12::1:0/120",
				"10.2.0.5 {ip=10.2.0.5} = cluster 192.168.2.0/24 fd12::1:200/120",
				"10.2.0.6 {ip=10.2.0.6} = special 192.168.1.0/24 fd12::1:100/120",
			},
		},
		{
			name:    "config spares no range when it is gone",
			configs: []string{cluster},
			lines:   []string{"a {p=1}", "b = cluster 10.0.0.0/24 fd00::/120"},
		},
	})
}
