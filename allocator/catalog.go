package allocator

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/dualstrap/dualstrap/internal/family"
)

// catalog holds one set of configs, indexed by the labels they select. It is immutable except for the number of
// nodes per selector and the ranges that levels spare, which follow the nodes of the cluster.
type catalog struct {
	// given holds all configs in the order of SetConfigs, names the names of those that are not closed.
	given []*candidate
	names []string
	// fallback is the selector without labels, which selects every node; nil when every config has matchLabels.
	fallback *selector
	// filed holds every other selector exactly once, under its rarest label.
	filed map[label][]*selector
	// keys lists the keys of the labels in filed, sorted.
	keys []string
	// levels is sorted by specificity, lowest first.
	levels []*level
	// rangeIndexes returns the range index of each family. It is built on first use: only nodes with unexpected
	// podCIDRs need it.
	rangeIndexes func() *family.Pair[rangeIndex]
	// scratch is the buffer of the last call of candidates, kept to save an allocation per node.
	scratch []*candidate
}

// level groups the configs of one specificity: they spare the same ranges.
type level struct {
	specificity int
	// spared covers the ranges of more specific configs that select at least one node of the cluster.
	spared family.Pair[cover]
}

// newCatalog validates and ranks the configs. The catalog has no nodes yet: the caller adds their labels.
func newCatalog(configs []Config) (*catalog, error) {
	if err := validate(configs); err != nil {
		return nil, err
	}
	c := &catalog{
		given: make([]*candidate, len(configs)),
		names: make([]string, 0, len(configs)),
		filed: make(map[label][]*selector, len(configs)),
	}
	for i, config := range configs {
		c.given[i] = newCandidate(config)
		if !config.Closed {
			c.names = append(c.names, config.Name)
		}
	}
	ranked := slices.Clone(c.given)
	rank(ranked)
	open := slices.DeleteFunc(slices.Clone(ranked), func(c *candidate) bool { return c.Closed })
	c.file(groupBySelector(open))
	c.rangeIndexes = sync.OnceValue(func() *family.Pair[rangeIndex] { return newRangeIndexes(ranked) })
	return c, nil
}

// validate returns everything wrong with the configs, joined; nil when they are valid.
func validate(configs []Config) error {
	var problems []error
	seen := make(map[string]bool, len(configs))
	for i := range configs {
		name := configs[i].Name
		switch {
		case name == "":
			problems = append(problems, fmt.Errorf("cannot use ClusterCIDRConfig %d of %d: it has no name", i+1, len(configs)))
		case seen[name]:
			problems = append(problems, fmt.Errorf("cannot use ClusterCIDRConfig %s: there are two of this name", name))
		}
		seen[name] = true
		problems = append(problems, configs[i].validate())
	}
	return errors.Join(problems...)
}

// file indexes selectors, each under its rarest label. Under a label that all nodes carry, every node would have to
// evaluate every selector.
func (c *catalog) file(selectors []*selector) {
	uses := make(map[label]int, len(selectors))
	for _, s := range selectors {
		for _, l := range s.labels {
			uses[l]++
		}
	}
	keys := map[string]bool{}
	for _, s := range slices.Backward(selectors) { // least specific first
		c.admit(s)
		if len(s.labels) == 0 {
			c.fallback = s
			continue
		}
		rarest := slices.MinFunc(s.labels, func(a, b label) int { return uses[a] - uses[b] })
		c.filed[rarest] = append(c.filed[rarest], s)
		keys[rarest.key] = true
	}
	c.keys = slices.Sorted(maps.Keys(keys))
}

// admit assigns a level to the candidates of a selector. It must see the selectors least specific first, because it
// appends levels in that order.
func (c *catalog) admit(s *selector) {
	if last := len(c.levels) - 1; last < 0 || c.levels[last].specificity < len(s.labels) {
		c.levels = append(c.levels, &level{specificity: len(s.labels)})
	}
	for _, candidate := range s.candidates {
		candidate.level = c.levels[len(c.levels)-1]
	}
}

// matching calls visit for every selector that selects a node with these labels, in no defined order.
func (c *catalog) matching(labels map[string]string, visit func(*selector)) {
	if c.fallback != nil {
		visit(c.fallback)
	}
	lookUp := func(l label) {
		for _, s := range c.filed[l] {
			if s.selects(labels) {
				visit(s)
			}
		}
	}
	// Iterate over the smaller set. Per-node configs make thousands of selectors but only a few keys.
	if len(labels) < len(c.keys) {
		for key, value := range labels {
			lookUp(label{key, value})
		}
		return
	}
	for _, key := range c.keys {
		if value, ok := labels[key]; ok {
			lookUp(label{key, value})
		}
	}
}

// candidates returns the configs that a node may use, best first. The slice is valid until the next call.
func (c *catalog) candidates(labels map[string]string) []*candidate {
	c.scratch = c.scratch[:0]
	c.matching(labels, func(s *selector) { c.scratch = append(c.scratch, s.candidates...) })
	slices.SortFunc(c.scratch, func(a, b *candidate) int { return a.rank - b.rank })
	return c.scratch
}

// add counts a node with these labels, and returns the best config for it; nil when none selects it.
func (c *catalog) add(labels map[string]string) *candidate {
	var best *candidate
	c.matching(labels, func(s *selector) {
		if first := s.candidates[0]; best == nil || first.rank < best.rank {
			best = first
		}
		s.nodes++
		if s.nodes == 1 {
			c.spare(s, +1)
		}
	})
	return best
}

// remove uncounts a node with these labels.
func (c *catalog) remove(labels map[string]string) {
	c.matching(labels, func(s *selector) {
		s.nodes--
		if s.nodes == 0 {
			c.spare(s, -1)
		}
	})
}

// spare adds the ranges of a selector's configs to the ranges that less specific levels avoid (+1), or removes them
// (-1).
func (c *catalog) spare(s *selector, by int) {
	for _, l := range c.levels {
		if l.specificity >= len(s.labels) {
			return
		}
		for _, candidate := range s.candidates {
			for _, f := range family.All() {
				l.spared[f].change(candidate.of(f).CIDR, by)
			}
		}
	}
}
