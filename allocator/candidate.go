package allocator

import (
	"cmp"
	"slices"
	"strings"
)

// candidate is a config as nodes meet it: ranked, and searched for free blocks.
type candidate struct {
	Config
	// selector is shared by all candidates with the same matchLabels.
	selector *selector
	level    *level
	// rank is the place among all candidates, best first. It depends on no node: all labels of a
	// config match on every node that may use it.
	rank int
	// capacity is the number of blocks of the smaller family, as the exponent of a power of two.
	capacity int
	// outside looks for a block outside the ranges that the level spares, anywhere for any.
	outside, anywhere [families]search
}

func newCandidate(config Config) *candidate {
	c := &candidate{Config: config, selector: newSelector(config.MatchLabels)}
	c.capacity = min(config.V4.NodeMask-config.V4.CIDR.Bits(), config.V6.NodeMask-config.V6.CIDR.Bits())
	return c
}

// specificity is the number of labels that a node must carry to use the config.
func (c *candidate) specificity() int { return len(c.selector.labels) }

// grants reports whether each half of the pair is a block of the config.
func (c *candidate) grants(p Pair) bool { return c.V4.has(p.V4) && c.V6.has(p.V6) }

// rank sorts candidates by the order of the package comment and numbers them.
func rank(candidates []*candidate) {
	slices.SortFunc(candidates, compare)
	for i, c := range candidates {
		c.rank = i
	}
}

// compare is negative when a node that may use both takes a rather than b. No two are equal, as
// names are unique.
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

// groupBySelector makes candidates with equal matchLabels share one selector. Candidates come in the
// order of their rank; the selectors go most specific first.
func groupBySelector(ranked []*candidate) []*selector {
	var selectors []*selector
	byText := make(map[string]*selector, len(ranked))
	for _, c := range ranked {
		s, ok := byText[c.selector.text]
		if !ok || !slices.Equal(s.labels, c.selector.labels) { // {a: "1,b=2"} reads like {a: "1", b: "2"}
			s = c.selector
			byText[s.text] = s
			selectors = append(selectors, s)
		}
		c.selector = s
		s.candidates = append(s.candidates, c)
	}
	return selectors
}
