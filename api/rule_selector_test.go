package api

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

func selectorConfig() *Config {
	node := func(a string) Node { return Node{Address: netip.MustParseAddr(a), K8sIP: netip.MustParseAddr(a)} }
	return &Config{
		Namespace: "ns",
		Pools: []Pool{
			{Name: "cluster", Nodes: []Node{node("10.2.0.4")}},
			{Name: "workers", Nodes: []Node{node("10.2.0.5"), node("10.2.0.6")}, Labels: map[string]string{"rack": "1", "disk": "ssd"}},
			{Name: "more", Nodes: []Node{node("10.2.0.7")}, Labels: map[string]string{"rack": "2"}},
			{Name: "empty", Labels: map[string]string{"rack": "3"}},
		},
	}
}

// matchesAny is the reference implementation of labelIndex: it compares every node's labels one after the other.
func matchesAny(config *Config, wanted map[string]string) bool {
	for p := range config.Pools {
		for n := range config.Pools[p].Nodes {
			if containsAll(config.NodeLabels(&config.Pools[p], &config.Pools[p].Nodes[n]), wanted) {
				return true
			}
		}
	}
	return false
}

func TestLabelIndex(t *testing.T) {
	t.Parallel()
	config := selectorConfig()
	index := newLabelIndex(config)
	values := map[string][]string{
		LabelNodePool:  {"cluster", "workers", "more", "empty", "none"},
		LabelK8sIP:     {"10.2.0.4", "10.2.0.6", "10.2.0.9", "10.2.0.06", "fd12::1", "x"},
		LabelNamespace: {"ns", "other"},
		"rack":         {"1", "2", "3"},
		"disk":         {"ssd", ""},
		"absent":       {""},
	}
	r := rand.New(rand.NewPCG(5, 6))
	matched := 0
	for range 5000 {
		wanted := map[string]string{}
		for key, choice := range values {
			if r.IntN(3) == 0 {
				wanted[key] = choice[r.IntN(len(choice))]
			}
		}
		if len(wanted) == 0 {
			continue
		}
		got, want := index.matches(wanted), matchesAny(config, wanted)
		if got != want {
			t.Fatalf("%v: got %v, want %v", wanted, got, want)
		}
		if got {
			matched++
		}
	}
	if matched < 50 {
		t.Errorf("only %d selectors match a node, too few to say anything", matched)
	}
}

// FuzzSelector parses labels from a text, KEY=VALUE separated by commas.
func FuzzSelector(f *testing.F) {
	for _, s := range []string{"rack=1", "rack=1,disk=ssd", LabelK8sIP + "=10.2.0.5", LabelNodePool + "=workers,rack=1", "a/b/c=d", "=", ""} {
		f.Add(s)
	}
	config := selectorConfig()
	index := newLabelIndex(config)
	f.Fuzz(func(t *testing.T, s string) {
		wanted := map[string]string{}
		for pair := range strings.SplitSeq(s, ",") {
			key, value, _ := strings.Cut(pair, "=")
			wanted[key] = value
		}
		if got, want := index.matches(wanted), matchesAny(config, wanted); got != want {
			t.Errorf("%v: got %v, want %v", wanted, got, want)
		}
		if !areLabels(wanted) {
			return
		}
		for key, value := range wanted {
			if len(key) > 317 || len(value) > 63 || strings.ContainsAny(key+value, " \n\t\"'\x00") {
				t.Errorf("%q=%q is accepted", key, value)
			}
		}
	})
}
