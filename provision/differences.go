package provision

import (
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/internal/plural"
)

// differences are reasons for a refusal, each with those that it is about. The zero value has none.
type differences struct {
	order  []string
	places map[string][]string
}

// addAt notes that a reason holds for a node or a host.
func (d *differences) addAt(reason, place string) {
	if d.places == nil {
		d.places = map[string][]string{}
	}
	if d.places[reason] == nil {
		d.order = append(d.order, reason)
	}
	d.places[reason] = append(d.places[reason], place)
}

// maxPlaces is how many nodes or hosts a reason names.
const maxPlaces = 5

// reasons returns the reasons in the order in which they came, each behind those that it is about.
func (d *differences) reasons() []string {
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
