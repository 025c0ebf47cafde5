package refusal

import (
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/internal/plural"
)

// Differences collects reasons for a refusal, and groups the nodes or hosts that each concerns. The zero value is empty.
type Differences struct {
	order  []string            // the reasons, in the order of their first AddAt
	places map[string][]string // the nodes or hosts of each reason
}

// AddAt records that a reason applies to a node or a host.
func (d *Differences) AddAt(reason, place string) {
	if d.places == nil {
		d.places = map[string][]string{}
	}
	if d.places[reason] == nil {
		d.order = append(d.order, reason)
	}
	d.places[reason] = append(d.places[reason], place)
}

// maxPlaces is how many nodes or hosts a reason names. It counts the others: a cluster may have thousands.
const maxPlaces = 5

// Reasons returns the reasons in the order in which they were added, as "PLACE, PLACE and N others: REASON".
func (d *Differences) Reasons() []string {
	var reasons []string
	for _, reason := range d.order {
		places := d.places[reason]
		shown := slices.Clone(places[:min(len(places), maxPlaces)])
		text := strings.Join(shown, ", ")
		if hidden := len(places) - len(shown); hidden > 0 {
			text += " and " + plural.Of(hidden, "other")
		}
		reasons = append(reasons, text+": "+reason)
	}
	return reasons
}
