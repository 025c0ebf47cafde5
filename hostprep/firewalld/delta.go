package firewalld

import (
	"fmt"
	"maps"
	"slices"
)

// Delta holds the difference between the present and the desired state of firewalld.
type Delta struct {
	// Permanent and Runtime list the changes that are missing in the respective configuration.
	Permanent, Runtime []Change
	// Reload reports that a zone, policy or target is missing at run time, which only takes effect with a reload
	// of the permanent configuration.
	Reload bool
}

// Empty reports whether there is nothing to do.
func (d Delta) Empty() bool { return len(d.Permanent) == 0 && len(d.Runtime) == 0 && !d.Reload }

// Missing returns the changes that the state lacks. If a reload is needed, Runtime is empty, because the reload makes
// all permanent changes effective. Wanted.Settings are not considered.
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

// Names returns the zones and policies that the changes name, sorted and without duplicates. The default zone is only
// included if a change names it.
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

// PutBack returns the calls that restore the runtime configuration after a reload or restart. It adds items that only
// existed at run time, and removes items that were permanent but had been removed at run time, so that temporary
// changes of an operator survive. Items that the changes ask for are not removed. Zones and policies that only exist
// at run time cannot be restored.
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

// putBack returns the calls for one zone or policy, which object selects. An interface that was moved to another zone
// at run time is not removed from this one: adding it to the other zone moves it again.
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

// only returns the changes for which keep returns true.
func only(changes []Change, keep func(Change) bool) []Change {
	var kept []Change
	for _, change := range changes {
		if keep(change) {
			kept = append(kept, change)
		}
	}
	return kept
}

// Lost describes the runtime items that existed before and are missing after, except for those that were removed on
// purpose.
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
