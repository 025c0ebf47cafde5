package firewalld

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// State is what was read on a host.
type State struct {
	// Running is false where firewalld does not run: nothing is asked of it then.
	Running bool
	// DefaultZone is the zone that is meant where none is named.
	DefaultZone        string
	Permanent, Runtime Config
	// FiltersPaths is set when the rule is in effect by which IPv6 packets are dropped that come in
	// where the way back does not go out.
	FiltersPaths bool
}

// Config is the permanent configuration or that at run time. Zones and policies that nobody asked for
// may be left out of it.
type Config struct{ Zones, Policies map[string]Section }

// Section is a zone or a policy.
type Section struct {
	Target string
	Items  []Item
}

// Item is something that a zone or a policy has.
type Item struct {
	// Option is what adds it, as in --add-port.
	Option string
	// Value is empty for what is only switched on, like --add-masquerade.
	Value string
}

// addInterface adds an interface to a zone. It fails where the interface is in another one already.
const addInterface = "--add-interface"

// add is the option that adds the item.
func (i Item) add() string {
	return i.option(strings.Replace(i.Option, addInterface, "--change-interface", 1))
}

// remove is the option that removes the item.
func (i Item) remove() string { return i.option(strings.Replace(i.Option, "--add-", "--remove-", 1)) }

func (i Item) option(name string) string {
	if i.Value == "" {
		return name
	}
	return name + "=" + i.Value
}

// does reports whether the item is what a change asks for, or more than that.
func (i Item) does(change Change) bool {
	return i.Option == string(change.Kind) && covers(change.Kind, i.Value, change.Value)
}

// isPartOf reports whether another item is the same or more than that.
func (i Item) isPartOf(other Item) bool {
	return i.Option == other.Option && covers(Kind(i.Option), other.Value, i.Value)
}

// section gives what a change is about, and whether it is there.
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

// Has reports whether a change is made already.
func (c Config) Has(change Change, defaultZone string) bool {
	section, found := c.section(change, defaultZone)
	switch {
	case !found || change.makes():
		return found
	case change.Kind == SetTarget:
		return section.Target == change.Value
	default:
		return slices.ContainsFunc(section.Items, func(item Item) bool { return item.does(change) })
	}
}

// covers reports whether what is there does what is wanted. firewalld merges ports that touch, and
// may write an address otherwise.
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

// parsePorts reads 80/tcp and 2379-2380/tcp.
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
		return 0, 0, "", fmt.Errorf("cannot read ports %q: %w", text, err)
	}
	return first, last, protocol, nil
}
