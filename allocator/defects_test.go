package allocator_test

import (
	"net/netip"
	"testing"
)

// TestDefects checks that known defects of the Kubernetes multi-CIDR allocator do not occur here.
func TestDefects(t *testing.T) {
	t.Parallel()
	const full6 = "c 10.0.0.0/22>24 fd00::/120>120"
	runStories(t, []story{
		{
			name: "node with two families and a range for IPv4 only", why: "upstream panics",
			configs: []string{"c 10.0.0.0/16>24 fd00::/112>120"},
			lines:   []string{"a [10.0.0.0/24 fd01::/120] = 10.0.0.0/24 fd01::/120", "b = c 10.0.1.0/24 fd00::/120"},
		},
		{
			name: "IPv6 service range that no config has to do with", why: "upstream panics",
			configs: []string{"c 10.0.0.0/16>24 fd00::/112>120"},
			lines:   []string{"reserve fd01::/112", "a = c 10.0.0.0/24 fd00::/120"},
		},
		{
			name: "failed try keeps its IPv4 block", why: "upstream loses one with every retry",
			configs: []string{full6},
			lines: []string{
				"a = c 10.0.0.0/24 fd00::/120",
				"b = exhausted", "b = exhausted", "b = exhausted", "b = exhausted",
				"-a",
				"b = c 10.0.0.0/24 fd00::/120",
			},
		},
		{
			name: "node that is being deleted loses its block early", why: "only Release frees; an update of the node does not",
			configs: []string{"c 10.0.0.0/24>24 fd00::/120>120"},
			lines: []string{
				"a {p=1} = c 10.0.0.0/24 fd00::/120",
				"a {p=2}",
				"a",
				"b = exhausted",
			},
		},
		{
			name: "block of a node whose labels do not match is handed out",
			why:  "what is taken does not depend on labels",
			configs: []string{
				"c 10.0.0.0/16>24 fd00::/112>120 {p=1}",
			},
			lines: []string{"a {q=1} [10.0.0.0/24 fd00::/120]", "b {p=1} = c 10.0.1.0/24 fd00::100/120"},
		},
		{
			name: "release of one of two colliding nodes frees the other's block", why: "holders are counted",
			configs: []string{"c 10.0.0.0/23>24 fd00::/119>120"},
			lines: []string{
				"a [10.0.0.0/24 fd00::/120]", "b [10.0.0.0/24 fd00::/120]",
				"-a",
				"c = c 10.0.1.0/24 fd00::100/120",
				"d = exhausted",
				"-b",
				"d = c 10.0.0.0/24 fd00::/120",
			},
		},
		{
			name: "several terms of a selector are alternatives", why: "matchLabels are all required",
			configs: []string{"c 10.0.0.0/16>24 fd00::/112>120 {p=1,q=1}"},
			lines:   []string{"a {p=1} = no match", "b {q=1} = no match", "c {p=1,q=1} = c 10.0.0.0/24 fd00::/120"},
		},
	})
}

// TestConfigLife replaces configs while nodes hold their blocks.
func TestConfigLife(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, configs("old 10.0.0.0/24>26 fd00::/118>120"))
	a.Reserve(netip.MustParsePrefix("10.1.0.0/24"))
	expect := func(node, want string) {
		t.Helper()
		a.Add(parseNode(t, node))
		if got := outcome(a.Allocate(parseNode(t, node).Name)); got != want {
			t.Errorf("%s: got %s, want %s", node, got, want)
		}
	}
	set := func(lines ...string) {
		t.Helper()
		if err := a.SetConfigs(configs(lines...)); err != nil {
			t.Fatal(err)
		}
	}
	expect("a", "old 10.0.0.0/26 fd00::/120")

	set()
	expect("a", "10.0.0.0/26 fd00::/120")
	expect("b", "no match")

	// A config with another mask in the same range starts after the blocks that are held.
	set("new 10.0.0.0/23>25 fd00::/118>120")
	expect("a", "new 10.0.0.0/26 fd00::/120")
	expect("b", "new 10.0.0.128/25 fd00::100/120")

	// A reservation also applies to configs that are added later.
	set("late 10.1.0.0/23>24 fd00::/118>120")
	expect("c", "late 10.1.1.0/24 fd00::200/120")

	// A refused config changes nothing.
	if err := a.SetConfigs(configs("bad 10.0.0.0/24>25 fd00::1/118>120")); err == nil {
		t.Error("host bits were accepted")
	}
	expect("d", "exhausted")
	a.Release("c")
	expect("d", "late 10.1.1.0/24 fd00::200/120")
}
