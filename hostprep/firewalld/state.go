package firewalld

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// State is the state of firewalld on a host.
type State struct {
	// Running reports whether firewalld runs. If it does not, the other fields are zero.
	Running bool
	// DefaultZone is the zone that changes without a zone and a policy apply to.
	DefaultZone        string
	Permanent, Runtime Config
	// FiltersPaths reports that the kernel has the rule of IPv6_rpfilter, which drops IPv6 packets whose way back
	// does not lead through the interface they came in by.
	FiltersPaths bool
}

// Config is the permanent or the runtime configuration. It may lack zones and policies that were not requested.
type Config struct{ Zones, Policies map[string]Section }

// Section holds the settings of a zone or a policy.
type Section struct {
	// Target decides about packets that no item matches.
	Target string
	Items  []Item
}

// Item is a single element of a zone or a policy, such as a port.
type Item struct {
	// Option is the option of firewall-cmd that adds the item, such as --add-port.
	Option string
	// Value is the option's argument; empty for options without one, such as --add-masquerade.
	Value string
}

// addInterface is the option that adds an interface to a zone. It fails if the interface is in another zone.
const addInterface = "--add-interface"

// add returns the option that adds the item, with its value. An interface is added with --change-interface, which
// works whatever zone it is in.
func (i Item) add() string {
	return i.option(strings.Replace(i.Option, addInterface, "--change-interface", 1))
}

// remove returns the option that removes the item, with its value.
func (i Item) remove() string { return i.option(strings.Replace(i.Option, "--add-", "--remove-", 1)) }

// option returns the named option with the item's value, if it has one.
func (i Item) option(name string) string {
	if i.Value == "" {
		return name
	}
	return name + "=" + i.Value
}

// does reports whether the item satisfies a change: it is the same or covers more.
func (i Item) does(change Change) bool {
	return i.Option == string(change.Kind) && covers(change.Kind, i.Value, change.Value)
}

// isPartOf reports whether another item is the same or covers more.
func (i Item) isPartOf(other Item) bool {
	return i.Option == other.Option && covers(Kind(i.Option), other.Value, i.Value)
}

// section returns the zone or policy that a change creates or changes, and whether it exists.
func (c Config) section(change Change, defaultZone string) (Section, bool) {
	var section Section
	var found bool
	switch {
	case change.Kind == NewZone:
		section, found = c.Zones[change.Value]
	case change.Kind == NewPolicy:
		section, found = c.Policies[change.Value]
	case change.Policy != "":
		section, found = c.Policies[change.Policy]
	default:
		section, found = c.Zones[cmp.Or(change.Zone, defaultZone)]
	}
	return section, found
}

// Has reports whether the configuration already contains a change. A change without a zone and a policy is looked up
// in the default zone.
func (c Config) Has(change Change, defaultZone string) bool {
	section, found := c.section(change, defaultZone)
	switch {
	case !found || change.creates():
		return found
	case change.Kind == SetTarget:
		return section.Target == change.Value
	default:
		return slices.ContainsFunc(section.Items, func(item Item) bool { return item.does(change) })
	}
}

// covers reports whether an existing value includes the wanted one. They may differ in form: firewalld merges
// adjacent ports into ranges, and may write an address in another way.
func covers(kind Kind, there, wanted string) bool {
	switch {
	case there == wanted:
		return true
	case kind == AddPort:
		first, last, protocol, err := parsePorts(there)
		from, to, wantedProtocol, wantedErr := parsePorts(wanted)
		return err == nil && wantedErr == nil && protocol == wantedProtocol && first <= from && to <= last
	case kind == AddSource:
		a, err := netip.ParsePrefix(there)
		b, wantedErr := netip.ParsePrefix(wanted)
		return err == nil && wantedErr == nil && a.Masked() == b.Masked()
	default:
		return false
	}
}

// parsePorts parses a port or a range of ports with its protocol: 80/tcp, 2379-2380/tcp.
func parsePorts(text string) (first, last uint64, protocol string, err error) {
	ports, protocol, _ := strings.Cut(text, "/")
	from, to, isRange := strings.Cut(ports, "-")
	if !isRange {
		to = from
	}
	if first, err = strconv.ParseUint(from, 10, 16); err == nil {
		last, err = strconv.ParseUint(to, 10, 16)
	}
	if err != nil {
		return 0, 0, "", fmt.Errorf("cannot parse ports %q: %w", text, err)
	}
	return first, last, protocol, nil
}
