package allocator_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/allocator"
	"github.com/dualstrap/dualstrap/internal/family"
)

// config parses "10.0.0.0/8>24 fd00::/112>120 {a=1,b=2}": the ranges, each with its node mask, and the matchLabels.
func config(name, text string) allocator.Config {
	ranges, labels := cutLabels(text)
	c := allocator.Config{Name: name, MatchLabels: labels}
	v4, v6, _ := strings.Cut(ranges, " ")
	c.V4, c.V6 = rangeOf(v4), rangeOf(v6)
	return c
}

// rangeOf parses CIDR>mask. What it cannot parse stays zero, for New to refuse.
func rangeOf(text string) allocator.Range {
	cidr, mask, _ := strings.Cut(text, ">")
	prefix, _ := netip.ParsePrefix(cidr)
	bits, _ := strconv.Atoi(mask)
	return allocator.Range{CIDR: prefix, NodeMask: bits}
}

// cutLabels splits "before {a=1,b=2}" into the text and the labels.
func cutLabels(text string) (before string, labels map[string]string) {
	before, list, _ := strings.Cut(text, "{")
	labels = map[string]string{}
	for pair := range strings.SplitSeq(strings.TrimSuffix(list, "}"), ",") {
		if key, value, ok := strings.Cut(pair, "="); ok {
			labels[key] = value
		}
	}
	return strings.TrimSpace(before), labels
}

// configs parses lines of a name and a config.
func configs(lines ...string) []allocator.Config {
	all := make([]allocator.Config, 0, len(lines))
	for _, line := range lines {
		name, text, _ := strings.Cut(line, " ")
		all = append(all, config(name, text))
	}
	return all
}

// prefixes parses prefixes that are separated by spaces.
func prefixes(tb testing.TB, text string) []netip.Prefix {
	tb.Helper()
	var all []netip.Prefix
	for field := range strings.FieldsSeq(text) {
		p, err := netip.ParsePrefix(field)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// parseNode parses "name {a=1} [10.0.0.0/24 fd00::/120]". Only the name is required.
func parseNode(tb testing.TB, text string) allocator.Node {
	tb.Helper()
	text, held, _ := strings.Cut(text, "[")
	name, labels := cutLabels(strings.TrimSpace(text))
	return allocator.Node{Name: name, Labels: labels, PodCIDRs: prefixes(tb, strings.TrimSuffix(held, "]"))}
}

func newAllocator(tb testing.TB, configs []allocator.Config) *allocator.Allocator {
	tb.Helper()
	a, err := allocator.New(configs)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// outcome formats a result of Allocate: "config v4 v6", "no match" or "exhausted".
func outcome(got allocator.Assignment, err error) string {
	var noMatch *allocator.NoMatchError
	var exhausted *allocator.ExhaustedError
	switch {
	case errors.As(err, &noMatch):
		return "no match"
	case errors.As(err, &exhausted):
		return "exhausted"
	case err != nil:
		return err.Error()
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", got.Config, got.PodCIDRs[family.IPv4], got.PodCIDRs[family.IPv6]))
}

// story is a table's row: what happens to a cluster, line by line.
//
//	n1 {a=1} = c1 10.0.0.0/24 fd00::/120   a node is added and gets these blocks
//	n1 {a=1} [10.0.0.0/24 fd00::/120]      a node is added that holds these
//	-n1                                    it is released
//	reserve 10.96.0.0/12
type story struct {
	name, why string
	configs   []string
	lines     []string
}

func (s story) run(t *testing.T) {
	t.Helper()
	a := newAllocator(t, configs(s.configs...))
	for _, line := range s.lines {
		if name, ok := strings.CutPrefix(line, "-"); ok {
			a.Release(name)
			continue
		}
		if ranges, ok := strings.CutPrefix(line, "reserve "); ok {
			for _, p := range prefixes(t, ranges) {
				a.Reserve(p)
			}
			continue
		}
		text, want, expects := strings.Cut(line, " = ")
		n := parseNode(t, text)
		a.Add(n)
		if !expects {
			continue
		}
		if got := outcome(a.Allocate(n.Name)); got != want {
			t.Errorf("%s: got %s\n%s", line, got, s.why)
		}
	}
}

func runStories(t *testing.T, stories []story) {
	t.Helper()
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t)
		})
	}
}
