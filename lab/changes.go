package lab

import (
	"slices"

	"github.com/dualstrap/dualstrap/lab/network"
)

// Kind is what a change does to a host.
type Kind string

// The kinds of changes, as the user reads them.
const (
	Remove  Kind = "removed"
	Create  Kind = "created"
	Start   Kind = "started"
	Attach    Kind = "attached"
	Connect    Kind = "connected"
	EmulateOS Kind = "OS identity set"
	Key     Kind = "accepts the lab's key"
)

// Change is one step from what there is to what shall be.
type Change struct {
	Host Host
	Kind Kind
}

// Changes gives what makes the lab of the spec out of what there is: removals first, then what each
// host needs, in order. It is empty when nothing needs to change.
//
// What a host presents itself as, and whether it accepts the key, only shows while it runs: see
// [Lab.Up].
func Changes(spec Spec, state State) []Change {
	hosts := spec.Hosts()
	var changes []Change
	for _, found := range state.Hosts {
		if !slices.ContainsFunc(hosts, func(h Host) bool { return h.ID == found.ID }) {
			changes = append(changes, Change{found.Host, Remove})
		}
	}
	for _, host := range hosts {
		found, exists := state.host(host.ID)
		for _, kind := range needs(found, exists) {
			changes = append(changes, Change{host, kind})
		}
	}
	return changes
}

// needs gives what brings one host up. One that never started may have been cut off while it was made,
// so it is made again.
func needs(found Found, exists bool) []Kind {
	switch {
	case !exists || !found.Container.Started:
		return []Kind{Create, Start, Attach}
	case !found.Container.Running:
		return []Kind{Start, Attach}
	case found.Cable == network.Detached:
		return []Kind{Attach}
	case found.Cable == network.Disconnected:
		return []Kind{Connect}
	default:
		return nil
	}
}
