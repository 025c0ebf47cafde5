package lab

import (
	"slices"

	"github.com/dualstrap/dualstrap/lab/network"
)

// Kind is the type of a change to a host.
type Kind string

// Types of changes. Their values are printed to the user after the host's name.
const (
	Remove    Kind = "removed"
	Create    Kind = "created"
	Start     Kind = "started"
	Attach    Kind = "attached"
	Connect   Kind = "connected"
	EmulateOS Kind = "OS identity set"
	Key       Kind = "accepts the lab's key"
)

// Change is one step from the observed state to the desired state.
type Change struct {
	// Host is the host to change. A host of another version, which can only be removed, has an ID and a name alone.
	Host Host
	Kind Kind
}

// Changes returns the steps from the observed state to the lab of the spec: removals first, then each host's steps in
// order. It is empty when the states are equal.
//
// A host's OS identity and its authorized keys can only be read while it runs. [Lab.Up] detects differences there itself.
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

// needs returns the steps that a host needs to be running and connected. A container that never started may be the leftover
// of an interrupted run, which had not put the host's files into it yet, so it is created again.
func needs(found Found, exists bool) []Kind {
	switch {
	case !exists || !found.Container.Started:
		return []Kind{Create, Start, Attach}
	// Networking is not persistent: each start of a container begins with an empty network namespace.
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
