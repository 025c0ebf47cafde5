package allocator

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/internal/family"
)

// candidate is a config prepared for allocation: ranked, and with a cursor for free blocks.
type candidate struct {
	Config
	// selector is shared by all candidates with the same matchLabels.
	selector *selector
	// level holds the ranges that the config avoids. It is nil for a closed config, which allocates nothing.
	level *level
	// rank is the position among all candidates, 0 for the best. It does not depend on the node: every label of a
	// config matches on every node that may use the config.
	rank int
	// capacity is the log2 of the number of blocks in the family with fewer blocks. A number of blocks would
	// overflow an int.
	capacity int
	// outside searches for a block outside the ranges that the level spares; anywhere searches the whole range.
	outside, anywhere family.Pair[search]
}

// newCandidate returns the candidate for a validated config, not yet ranked.
func newCandidate(config Config) *candidate {
	c := &candidate{Config: config, selector: newSelector(config.MatchLabels)}
	c.capacity = min(config.V4.NodeMask-config.V4.CIDR.Bits(), config.V6.NodeMask-config.V6.CIDR.Bits())
	return c
}

// specificity returns the number of labels that a node must carry to use the config.
func (c *candidate) specificity() int { return len(c.selector.labels) }

// grants reports whether each half of the pair is exactly one block of the config.
func (c *candidate) grants(p family.Pair[netip.Prefix]) bool {
	return c.V4.has(p[family.IPv4]) && c.V6.has(p[family.IPv6])
}

// rank sorts candidates in the order that the package comment documents, and numbers them.
func rank(candidates []*candidate) {
	slices.SortFunc(candidates, compare)
	for i, c := range candidates {
		c.rank = i
	}
}

// compare returns a negative number when a node that may use both takes a rather than b. No two candidates compare
// equal, because names are unique.
func compare(a, b *candidate) int {
	bySize := cmp.Or(
		b.specificity()-a.specificity(),
		a.capacity-b.capacity,
		b.V4.NodeMask-a.V4.NodeMask,
		b.V6.NodeMask-a.V6.NodeMask,
	)
	if bySize != 0 {
		return bySize
	}
	if byText := strings.Compare(a.selector.text, b.selector.text); byText != 0 {
		return byText
	}
	return cmp.Or(a.V4.CIDR.Compare(b.V4.CIDR), a.V6.CIDR.Compare(b.V6.CIDR), strings.Compare(a.Name, b.Name))
}

// groupBySelector makes candidates with equal matchLabels share one selector, so that a node evaluates each
// selector once, however many configs have it. The candidates are in the order of their rank; the selectors are
// returned most specific first.
func groupBySelector(ranked []*candidate) []*selector {
	var selectors []*selector
	byText := make(map[string]*selector, len(ranked))
	for _, c := range ranked {
		s, ok := byText[c.selector.text]
		if !ok || !slices.Equal(s.labels, c.selector.labels) { // {a: "1,b=2"} and {a: "1", b: "2"} have the same text
			s = c.selector
			byText[s.text] = s
			selectors = append(selectors, s)
		}
		c.selector = s
		s.candidates = append(s.candidates, c)
	}
	return selectors
}
