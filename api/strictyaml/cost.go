package strictyaml

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// cost is what a node amounts to once its aliases are followed.
type cost struct{ values, depth int }

// meter measures the cost of a tree. Aliases make the tree a graph, so every node that has an anchor
// is measured once and remembered.
type meter struct {
	doc    *Document
	limits Limits
	// known holds anchored nodes; one that is still open has the cost nil.
	known map[*yaml.Node]*cost
	fault *Problem
}

// checkCost reports whether the document can be walked at a bounded cost, aliases included.
func checkCost(d *Document, limits Limits) bool {
	m := &meter{doc: d, limits: limits, known: map[*yaml.Node]*cost{}}
	total := m.measure(d.root, 0)
	if m.fault == nil && total.values > m.budget(d.root) {
		m.fail(d.root, RuleAlias, "the aliases (*) expand to too much", "write the values out")
	}
	if m.fault != nil {
		d.report.add(*m.fault)
		return false
	}
	return true
}

// budget is what the document holds as it is written, and what aliases may add.
func (m *meter) budget(root *yaml.Node) int { return countNodes(root) + m.limits.Expansion }

// countNodes counts nodes as they are written: an alias is one.
func countNodes(n *yaml.Node) int {
	count := 1
	for _, child := range n.Content {
		count += countNodes(child)
	}
	return count
}

// measure gives the cost of a node that lies depth levels below the root.
func (m *meter) measure(n *yaml.Node, depth int) cost {
	if m.fault != nil {
		return cost{}
	}
	if n.Kind == yaml.AliasNode {
		return m.measureAlias(n, depth)
	}
	if depth > m.limits.Depth {
		m.fail(n, RuleLimit, fmt.Sprintf("nested deeper than %d levels", m.limits.Depth), "")
		return cost{}
	}
	if len(n.Value) > m.limits.Scalar {
		m.fail(n, RuleLimit, fmt.Sprintf("a single value has more than %d KiB", m.limits.Scalar>>10), "")
	}
	if n.Anchor != "" {
		m.known[n] = nil
	}
	sum := cost{values: 1}
	for _, child := range n.Content {
		c := m.measure(child, depth+1)
		// The bound keeps sums of sums from overflowing.
		sum.values = min(sum.values+c.values, 1<<40)
		sum.depth = max(sum.depth, c.depth+1)
	}
	if n.Anchor != "" {
		m.known[n] = &sum
	}
	return sum
}

// measureAlias takes the cost of what the alias stands for. In the order of the text that is known by
// now, unless the alias lies inside of it.
func (m *meter) measureAlias(n *yaml.Node, depth int) cost {
	c, seen := m.known[n.Alias]
	switch {
	case !seen || c == nil:
		m.fail(n, RuleAlias, "this alias (*) lies inside the value that it stands for", "write the value out")
		return cost{}
	case depth+c.depth > m.limits.Depth:
		m.fail(n, RuleLimit, fmt.Sprintf("nested deeper than %d levels by an alias", m.limits.Depth), "")
		return cost{}
	}
	return *c
}

// fail keeps the first fault; with it the document is not read, so there is no need of others.
func (m *meter) fail(n *yaml.Node, rule, message, hint string) {
	if m.fault != nil {
		return
	}
	at := m.doc.place(n)
	m.fault = &Problem{Line: at.line, Column: at.column, Rule: rule, Message: message, Hint: hint}
}
