package allocator

import (
	"cmp"
	"slices"
	"strings"
)

// label is one label of a node, or what a selector asks for.
type label struct{ key, value string }

// selector is what the configs with the same matchLabels have in common.
type selector struct {
	// labels are sorted by key. Their number is the specificity of the configs.
	labels []label
	// text is the labels written as k=v,k2=v2.
	text string
	// candidates are in the order of their rank.
	candidates []*candidate
	// nodes is the number of nodes of the cluster that the selector selects.
	nodes int
}

func newSelector(matchLabels map[string]string) *selector {
	s := &selector{labels: make([]label, 0, len(matchLabels))}
	for key, value := range matchLabels {
		s.labels = append(s.labels, label{key, value})
	}
	slices.SortFunc(s.labels, func(a, b label) int { return cmp.Compare(a.key, b.key) })
	var text strings.Builder
	for i, l := range s.labels {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(l.key + "=" + l.value)
	}
	s.text = text.String()
	return s
}

// selects reports whether a node with these labels matches.
func (s *selector) selects(labels map[string]string) bool {
	for _, l := range s.labels {
		if value, ok := labels[l.key]; !ok || value != l.value {
			return false
		}
	}
	return true
}
