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
	method, rules := "addZone2", "rules_str"
	if first.Kind == NewPolicy {
		method, rules = "addPolicy", "rich_rules"
	}
	var target string
	var ports []string
	lists := map[string][]string{}
	left := slices.DeleteFunc(slices.Clone(rest), func(change Change) bool {
		if first.Kind == NewZone && change.Zone != first.Value || first.Kind == NewPolicy && change.Policy != first.Value {
			return false
		}
		switch change.Kind {
		case SetTarget:
			target = change.Value
		case AddPort:
			port, protocol, _ := strings.Cut(change.Value, "/")
			ports = append(ports, port, protocol)
		case AddSource:
			lists["sources"] = append(lists["sources"], change.Value)
		case AddIngress:
			lists["ingress_zones"] = append(lists["ingress_zones"], change.Value)
		case AddEgress:
			lists["egress_zones"] = append(lists["egress_zones"], change.Value)
		case AddRichRule:
			lists[rules] = append(lists[rules], change.Value)
		case NewZone, NewPolicy:
			return false
		}
		return true
	})
	var settings []string
	count := 0
	set := func(key, signature string, values ...string) {
		settings = append(append(settings, key, signature), values...)
		count++
	}
	if first.Kind == NewZone {
		set("forward", "b", "false") // as firewall-cmd --new-zone has it; on the bus the default is true
	}
	if target != "" {
		set("target", "s", target)
	}
	for _, key := range []string{"sources", "ingress_zones", "egress_zones", rules} {
		if values := lists[key]; len(values) > 0 {
			set(key, "as", append([]string{strconv.Itoa(len(values))}, values...)...)
		}
	}
	if len(ports) > 0 {
		set("ports", "a(ss)", append([]string{strconv.Itoa(len(ports) / 2)}, ports...)...)
	}
	call := Command{
		busctl, "call", "org.fedoraproject.FirewallD1", "/org/fedoraproject/FirewallD1/config", "org.fedoraproject.FirewallD1.config",
		method, "sa{sv}", first.Value, strconv.Itoa(count),
	}
	return append(call, settings...), left
}
