package allocator

import (
	"cmp"
	"slices"
	"strings"
)

// label is one label of a node, or one that a selector requires.
type label struct{ key, value string }

// selector is a set of matchLabels and the configs that share it.
type selector struct {
	// labels is sorted by key. Its length is the specificity of the configs.
	labels []label
	// text holds the labels as k=v,k2=v2. Ranking compares it; it does not identify a selector.
	text string
	// candidates is sorted by rank.
	candidates []*candidate
	// nodes counts the nodes of the cluster that the selector matches. Its ranges are spared while it is not 0.
	nodes int
}

// newSelector returns the selector for matchLabels, without candidates.
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

// selects reports whether the selector matches a node with these labels.
func (s *selector) selects(labels map[string]string) bool {
	for _, l := range s.labels {
		if value, ok := labels[l.key]; !ok || value != l.value {
			return false
		}
	}
	return true
}
