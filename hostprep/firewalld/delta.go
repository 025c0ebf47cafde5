package firewalld

import (
	"fmt"
	"maps"
	"slices"
)

// Delta is what has to be done so that firewalld has what is wanted.
type Delta struct {
	// Permanent and Runtime are changes to make there.
	Permanent, Runtime []Change
	// Reload says that something can only be had at run time by reading all that is permanent again:
	// zones, policies and targets.
	Reload bool
}

// Empty reports whether there is nothing to do.
func (d Delta) Empty() bool { return len(d.Permanent) == 0 && len(d.Runtime) == 0 && !d.Reload }

// Missing compares what is there with what is wanted. A restart, which makes the settings take effect,
// stands for a reload.
func Missing(state State, changes []Change) Delta {
	var delta Delta
	for _, change := range changes {
		if !state.Permanent.Has(change, state.DefaultZone) {
			delta.Permanent = append(delta.Permanent, change)
		}
		if state.Runtime.Has(change, state.DefaultZone) {
			continue
		}
		_, there := state.Runtime.section(change, state.DefaultZone)
		if !there || change.Kind == SetTarget {
			delta.Reload = true
		} else {
			delta.Runtime = append(delta.Runtime, change)
		}
	}
	if delta.Reload {
		delta.Runtime = nil
	}
	return delta
}

// Names gives the zones and policies that changes are about, beside the default zone.
func Names(changes []Change) (zones, policies []string) {
	for _, change := range changes {
		switch {
		case change.Kind == NewZone:
			zones = append(zones, change.Value)
		case change.Kind == NewPolicy:
			policies = append(policies, change.Value)
		case change.Policy != "":
			policies = append(policies, change.Policy)
		case change.Zone != "":
			zones = append(zones, change.Zone)
		}
	}
	slices.Sort(zones)
	slices.Sort(policies)
	return slices.Compact(zones), slices.Compact(policies)
}

// PutBack gives what makes everything be at run time that was there before a reload or a restart, and
// nothing that was not: an operator who opened or closed something until further notice finds it so
// afterwards. Only what the changes ask for is not closed again.
func PutBack(state State, changes []Change) []Command {
	var commands []Command
	for _, name := range slices.Sorted(maps.Keys(state.Runtime.Zones)) {
		if permanent, stays := state.Permanent.Zones[name]; stays {
			asked := only(changes, func(c Change) bool { return c.isAboutZone(name, state.DefaultZone) })
			commands = append(commands, putBack("--zone="+name, permanent, state.Runtime.Zones[name], asked)...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(state.Runtime.Policies)) {
		if permanent, stays := state.Permanent.Policies[name]; stays {
			asked := only(changes, func(c Change) bool { return c.isAboutPolicy(name) })
			commands = append(commands, putBack("--policy="+name, permanent, state.Runtime.Policies[name], asked)...)
		}
	}
	return commands
}

func putBack(object string, permanent, runtime Section, asked []Change) []Command {
	var commands []Command
	for _, item := range runtime.Items {
		if !slices.Contains(permanent.Items, item) {
			commands = append(commands, Command{object, item.add()})
		}
	}
	for _, item := range permanent.Items {
		wanted := slices.ContainsFunc(asked, item.does)
		if !slices.Contains(runtime.Items, item) && !wanted && item.Option != addInterface {
			commands = append(commands, Command{object, item.remove()})
		}
	}
	return commands
}

func only(changes []Change, keep func(Change) bool) []Change {
	var kept []Change
	for _, change := range changes {
		if keep(change) {
			kept = append(kept, change)
		}
	}
	return kept
}

// Lost describes what was at run time before and is not any more, beside what was to be removed.
func Lost(before, after State, removed []Change) []string {
	var lost []string
	compare := func(kind string, before, after map[string]Section, removed func(name string, item Item) bool) {
		for _, name := range slices.Sorted(maps.Keys(before)) {
			for _, item := range before[name].Items {
				kept := slices.ContainsFunc(after[name].Items, item.isPartOf)
				if !kept && !removed(name, item) {
					lost = append(lost, fmt.Sprintf("%s %s: %s", kind, name, item.add()))
				}
			}
		}
	}
	compare("zone", before.Runtime.Zones, after.Runtime.Zones, func(name string, item Item) bool {
		return slices.ContainsFunc(removed, func(c Change) bool {
			return c.isAboutZone(name, before.DefaultZone) && (c.Kind == NewZone || item.does(c))
		})
	})
	compare("policy", before.Runtime.Policies, after.Runtime.Policies, func(name string, item Item) bool {
		return slices.ContainsFunc(removed, func(c Change) bool {
			return c.isAboutPolicy(name) && (c.Kind == NewPolicy || item.does(c))
		})
	})
	return lost
}
