package firewalld

import (
	"slices"
	"strconv"
	"strings"
)

// busctl begins a Command that is not a call of firewall-cmd, but one over D-Bus.
const busctl = "busctl"

// creation returns the call that creates a permanent zone or policy with its settings, and the changes it leaves. One
// call over D-Bus replaces up to ten of firewall-cmd, each of which takes about half a second, most of it to start
// Python. The interface is described in firewalld.dbus(5); addZone2 and addPolicy exist as long as policies do (0.9).
func creation(first Change, rest []Change) (Command, []Change) {
	method, settings := "addZone2", newSettings{}
	if first.Kind == NewPolicy {
		method = "addPolicy"
	} else {
		settings.set("forward", "b", "false") // as firewall-cmd --new-zone has it; on the bus the default is true
	}
	left := slices.DeleteFunc(slices.Clone(rest), func(change Change) bool {
		owner := change.Zone
		if first.Kind == NewPolicy {
			owner = change.Policy
		}
		return owner == first.Value && settings.take(change)
	})
	settings.setLists()
	return append(Command{
		busctl, "call", "org.fedoraproject.FirewallD1", "/org/fedoraproject/FirewallD1/config", "org.fedoraproject.FirewallD1.config",
		method, "sa{sv}", first.Value, strconv.Itoa(settings.count),
	}, settings.args...), left
}

// newSettings builds the dictionary of settings of a new zone or policy, as arguments of busctl.
type newSettings struct {
	count int
	args  []string
	// ports holds a number and a protocol for each port, alternately.
	ports []string
	// lists holds the settings that are lists of texts, by name.
	lists map[string][]string
}

// listOf returns the name of the list that a change is an element of; it is empty for other changes.
func listOf(change Change) string {
	switch change.Kind {
	case AddSource:
		return "sources"
	case AddIngress:
		return "ingress_zones"
	case AddEgress:
		return "egress_zones"
	case AddRichRule:
		if change.Policy != "" {
			return "rich_rules"
		}
		return "rules_str"
	case AddPort, NewPolicy, NewZone, SetTarget:
	}
	return ""
}

// take adds a change to the settings, and reports whether it has a place there.
func (s *newSettings) take(change Change) bool {
	list := listOf(change)
	switch {
	case list != "":
		if s.lists == nil {
			s.lists = map[string][]string{}
		}
		s.lists[list] = append(s.lists[list], change.Value)
	case change.Kind == AddPort:
		port, protocol, _ := strings.Cut(change.Value, "/")
		s.ports = append(s.ports, port, protocol)
	case change.Kind == SetTarget:
		s.set("target", "s", change.Value)
	default:
		return false
	}
	return true
}

// set adds one setting with its D-Bus signature.
func (s *newSettings) set(key, signature string, values ...string) {
	s.args = append(append(s.args, key, signature), values...)
	s.count++
}

// setLists adds the settings that changes have been collected for.
func (s *newSettings) setLists() {
	for _, key := range []string{"sources", "ingress_zones", "egress_zones", "rules_str", "rich_rules"} {
		if values := s.lists[key]; len(values) > 0 {
			s.set(key, "as", append([]string{strconv.Itoa(len(values))}, values...)...)
		}
	}
	if len(s.ports) > 0 {
		s.set("ports", "a(ss)", append([]string{strconv.Itoa(len(s.ports) / 2)}, s.ports...)...)
	}
}
