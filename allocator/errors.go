package allocator

import (
	"fmt"
	"strings"
)

// shown bounds how many configs an error names; a cluster may have thousands.
const shown = 8

// NoMatchError says that no config is for a node.
type NoMatchError struct {
	Node string
	// Configs are the names of all configs, in the order given. Errors share them: do not change them.
	Configs []string
}

func (e *NoMatchError) Error() string {
	if len(e.Configs) == 0 {
		return fmt.Sprintf("no ClusterCIDRConfig matches node %s: there is none; add one", e.Node)
	}
	names := e.Configs[:min(len(e.Configs), shown)]
	return fmt.Sprintf("no ClusterCIDRConfig matches node %s: all of %s ask for labels it does not carry; "+
		"label the node, or add a config without a nodeSelector", e.Node, formatList(names, len(e.Configs)-len(names)))
}

// ExhaustedError says that the configs a node may use have no room for it.
type ExhaustedError struct {
	Node string
	// Tried are the ranges without a free block, best config first, and of many configs only the first.
	Tried []Full
	// More is the number of configs tried beside those.
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

func formatList(items []string, more int) string {
	text := strings.Join(items, ", ")
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// exhausted explains why none of the candidates served the node.
func (a *Allocator) exhausted(node string, candidates []*candidate) error {
	named := candidates[:min(len(candidates), shown)]
	e := &ExhaustedError{Node: node, More: len(candidates) - len(named)}
	for _, c := range named {
		for f := range families {
			if _, ok := a.lowest(c, f); !ok {
				e.Tried = append(e.Tried, Full{Config: c.Name, Range: c.of(f)})
			}
		}
	}
	return e
}
