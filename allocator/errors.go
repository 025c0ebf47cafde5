package allocator

import (
	"fmt"
	"strings"

	"github.com/dualstrap/dualstrap/internal/family"
)

// shown is the maximum number of configs that an error names; a cluster may have thousands.
const shown = 8

// NoMatchError reports that no config selects a node. Adding a label or a config is the only remedy.
type NoMatchError struct {
	Node string
	// Configs holds the names of all open configs, in the order given. All errors share the slice: do not change
	// it.
	Configs []string
}

func (e *NoMatchError) Error() string {
	if len(e.Configs) == 0 {
		return fmt.Sprintf("no ClusterCIDRConfig matches node %s: there are no ClusterCIDRConfigs; add one", e.Node)
	}
	names := e.Configs[:min(len(e.Configs), shown)]
	return fmt.Sprintf("no ClusterCIDRConfig matches node %s: all of %s ask for labels it does not carry; "+
		"label the node, or add a config without a nodeSelector", e.Node, formatList(names, len(e.Configs)-len(names)))
}

// ExhaustedError reports that every config that selects a node is full. A retry succeeds once a node is released or
// a config is added.
type ExhaustedError struct {
	Node string
	// Tried lists the ranges without a free block, best config first. It covers only the first configs when there
	// are many.
	Tried []Full
	// More is the number of further configs that were tried and are not in Tried.
	More int
}

// Full is a range of a config that has no free block.
type Full struct {
	Config string
	Range  Range
}

func (e *ExhaustedError) Error() string {
	full := make([]string, 0, len(e.Tried))
	for _, t := range e.Tried {
		full = append(full, fmt.Sprintf("%s has no free /%d in %s", t.Config, t.Range.NodeMask, t.Range.CIDR))
	}
	return fmt.Sprintf("no ClusterCIDRConfig has room for node %s: %s; add a config with free ranges, or remove nodes",
		e.Node, formatList(full, e.More))
}

// formatList joins the items for a message and mentions how many more there are.
func formatList(items []string, more int) string {
	text := strings.Join(items, ", ")
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// exhausted returns the error for a node that none of its candidates could serve. It searches each family again to
// name only the ranges that are full: the other family of a config may have room.
func (a *Allocator) exhausted(node string, candidates []*candidate) error {
	named := candidates[:min(len(candidates), shown)]
	e := &ExhaustedError{Node: node, More: len(candidates) - len(named)}
	for _, c := range named {
		for _, f := range family.All() {
			if _, ok := a.lowest(c, f); !ok {
				e.Tried = append(e.Tried, Full{Config: c.Name, Range: c.of(f)})
			}
		}
	}
	return e
}
