package allocator

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// catalog is one set of configs and what it means for the nodes of the cluster.
type catalog struct {
	// given is in the order in which the configs were given, and so are the names of the open ones.
	given []*candidate
	names []string
	// fallback selects every node; nil when every config has matchLabels.
	fallback *selector
	// filed has every other selector once, under one of its labels.
	filed map[label][]*selector
	// keys are the keys of the labels in filed.
	keys []string
	// levels are sorted, least specific first.
	levels []*level
	// atlases are made when a node with unexpected podCIDRs first asks.
	atlases func() *[families]rangeIndex
	// scratch is what candidates returned last.
	scratch []*candidate
}

// level is what configs of one specificity have in common: they spare the same ranges.
type level struct {
	specificity int
	// spared are the ranges of more specific configs, as far as some node of the cluster matches.
	spared [families]cover
}

// newCatalog checks and ranks the configs. It has no nodes yet.
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
	c.atlases = sync.OnceValue(func() *[families]rangeIndex { return newRangeIndexes(ranked) })
	return c, nil
}

// validate gives all that is wrong with the configs.
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

// file makes selectors known: each under its rarest label, so that a label all nodes carry does not
// lead every node to every selector.
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

// admit gives the selector's candidates their level. Selectors come least specific first.
func (c *catalog) admit(s *selector) {
	if last := len(c.levels) - 1; last < 0 || c.levels[last].specificity < len(s.labels) {
		c.levels = append(c.levels, &level{specificity: len(s.labels)})
	}
	for _, candidate := range s.candidates {
		candidate.level = c.levels[len(c.levels)-1]
	}
}

// matching calls visit with every selector that selects a node, in no order.
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

// candidates gives the configs a node may use, best first, until the next call.
func (c *catalog) candidates(labels map[string]string) []*candidate {
	c.scratch = c.scratch[:0]
	c.matching(labels, func(s *selector) { c.scratch = append(c.scratch, s.candidates...) })
	slices.SortFunc(c.scratch, func(a, b *candidate) int { return a.rank - b.rank })
	return c.scratch
}

// add notes that the cluster has a node with these labels, and gives the best config for it, or
// nil.
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

// remove notes that a node with these labels is gone.
func (c *catalog) remove(labels map[string]string) {
	c.matching(labels, func(s *selector) {
		s.nodes--
		if s.nodes == 0 {
			c.spare(s, -1)
		}
	})
}

// spare makes less specific configs stay out of the selector's ranges (+1), or no longer (-1).
func (c *catalog) spare(s *selector, by int) {
	for _, l := range c.levels {
		if l.specificity >= len(s.labels) {
			return
		}
		for _, candidate := range s.candidates {
			for f := range families {
				l.spared[f].change(candidate.of(f).CIDR, by)
			}
		}
	}
}
