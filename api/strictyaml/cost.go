package strictyaml

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// cost is the size of a node with all aliases expanded: its number of values and its depth.
type cost struct{ values, depth int }

// meter measures the cost of a tree. Aliases make the tree a graph, so every node with an anchor is measured once
// and its cost is stored.
type meter struct {
	doc    *Document
	limits Limits
	// known holds the cost of anchored nodes; nil for a node that is still being measured.
	known map[*yaml.Node]*cost
	// fault is the first problem; measuring stops there.
	fault *Problem
}

// checkCost reports whether the document, with its aliases expanded, stays within the limits. It prevents attacks
// such as the billion laughs.
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

// budget returns the maximum number of values: those that are written in the document, and those that aliases may
// add.
func (m *meter) budget(root *yaml.Node) int { return countNodes(root) + m.limits.Expansion }

// countNodes counts the nodes as written: an alias counts as one.
func countNodes(n *yaml.Node) int {
	count := 1
	for _, child := range n.Content {
		count += countNodes(child)
	}
	return count
}

// measure returns the cost of a node that is depth levels below the root.
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
		// The bound prevents an overflow by sums of sums.
		sum.values = min(sum.values+c.values, 1<<40)
		sum.depth = max(sum.depth, c.depth+1)
	}
	if n.Anchor != "" {
		m.known[n] = &sum
	}
	return sum
}

// measureAlias returns the cost of the alias's target. The target comes earlier in the text, so its cost is known,
// unless the alias lies inside its own target.
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

// fail records the first fault. The document is then not decoded, so further faults do not matter.
func (m *meter) fail(n *yaml.Node, rule, message, hint string) {
	if m.fault != nil {
		return
	}
	at := m.doc.place(n)
	m.fault = &Problem{Line: at.line, Column: at.column, Rule: rule, Message: message, Hint: hint}
}
