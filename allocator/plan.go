package allocator

import (
	"cmp"
	"slices"
)

// Result is the outcome of Plan for one node.
type Result struct {
	Node       string
	Assignment Assignment
	// Err is an error of Allocate. The Assignment is then empty.
	Err error
	// Findings describe problems with the podCIDRs that the node arrived with.
	Findings []Finding
}

// Plan adds all nodes and allocates podCIDRs for those that hold none. It serves nodes with the most specific best
// config first, among these the ones whose best config has the fewest blocks, and otherwise keeps the order given.
// This way a node that depends on a small range is not displaced by one that could go elsewhere. The results are in
// the order given; one node's failure does not affect the others.
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

// order returns the indexes of nodes in the order in which Plan serves them. The position of a node that holds
// podCIDRs does not matter, as its addresses are already occupied.
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
