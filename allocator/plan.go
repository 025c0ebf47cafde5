package allocator

import (
	"cmp"
	"slices"
)

// Result is what Plan found for one node.
type Result struct {
	Node       string
	Assignment Assignment
	// Err is as that of Allocate; the Assignment is then empty.
	Err error
	// Findings are about the podCIDRs that the node came with.
	Findings []Finding
}

// Plan adds all nodes and allocates for those that hold nothing: first those whose best config is
// most specific, among them those whose best config has the fewest blocks, otherwise in the order
// given. The results are in the order given.
func (a *Allocator) Plan(nodes []Node) []Result {
	all, findings := a.add(nodes)
	byNode := map[string][]Finding{}
	for _, f := range findings {
		byNode[f.Node] = append(byNode[f.Node], f)
	}
	results := make([]Result, len(all))
	for _, i := range order(all) {
		n := all[i]
		assignment, err := a.allocate(n)
		results[i] = Result{Node: n.name, Assignment: assignment, Err: err, Findings: byNode[n.name]}
	}
	return results
}

// order gives the indexes of nodes in the order in which they are served. A node that holds
// podCIDRs may be anywhere, as they are occupied already.
func order(nodes []*node) []int {
	type turn struct{ specificity, capacity, index int }
	turns := make([]turn, len(nodes))
	for i, n := range nodes {
		turns[i].index = i
		if n.best != nil {
			turns[i].specificity, turns[i].capacity = n.best.specificity(), n.best.capacity
		}
	}
	slices.SortFunc(turns, func(x, y turn) int {
		return cmp.Or(y.specificity-x.specificity, x.capacity-y.capacity, x.index-y.index)
	})
	order := make([]int, len(turns))
	for i, t := range turns {
		order[i] = t.index
	}
	return order
}
