package firewalld

import (
	"cmp"
	"slices"
	"strings"
)

// Wanted is the desired state of firewalld on one host. What it does not mention is left alone.
type Wanted struct {
	// Settings belong to firewalld's own configuration files. A change takes effect when firewalld restarts.
	Settings []Setting
	// Changes are made in this order: a zone or policy has to be created before anything is added to it.
	Changes []Change
}

// Setting is a KEY=VALUE line of a configuration file. File is an absolute path.
type Setting struct{ File, Key, Value string }

// Kind is the type of a Change. Its value is the option of firewall-cmd that makes the change.
type Kind string

// The kinds of changes. NewZone, NewPolicy and SetTarget only exist in the permanent configuration; at run time they
// take effect with a reload.
const (
	NewZone     Kind = "--new-zone"
	NewPolicy   Kind = "--new-policy"
	SetTarget   Kind = "--set-target"
	AddSource   Kind = "--add-source"
	AddIngress  Kind = "--add-ingress-zone"
	AddEgress   Kind = "--add-egress-zone"
	AddPort     Kind = "--add-port"
	AddRichRule Kind = "--add-rich-rule"
)

// Change is a single item of firewalld's configuration that has to exist. Its JSON form is stored in the records of
// hosts, so field names and values are immutable.
type Change struct {
	Kind Kind `json:"kind"`
	// Zone or Policy names the object that is changed. If both are empty, it is the default zone, or the object
	// that Kind creates.
	Zone   string `json:"zone,omitempty"`
	Policy string `json:"policy,omitempty"`
	// Value is the argument of Kind: the name of a zone or policy, a range, a port, a rule.
	Value string `json:"value"`
}

// String describes the change in one line: "add port 10250/tcp to zone public".
func (c Change) String() string {
	verb, object, _ := strings.Cut(strings.TrimPrefix(string(c.Kind), "--"), "-")
	words := verb + " " + strings.ReplaceAll(object, "-", " ") + " " + c.Value
	join := " to "
	if c.Kind == SetTarget {
		join = " of "
	}
	switch {
	case c.Kind == NewZone, c.Kind == NewPolicy:
		return "add " + object + " " + c.Value
	case c.Policy != "":
		return words + join + "policy " + c.Policy
	case c.Zone != "":
		return words + join + "zone " + c.Zone
	default:
		return words + join + "the default zone"
	}
}

// creates reports whether the change creates a zone or a policy.
func (c Change) creates() bool { return c.Kind == NewZone || c.Kind == NewPolicy }

// isAboutZone reports whether the change creates the named zone or changes it.
func (c Change) isAboutZone(name, defaultZone string) bool {
	if c.creates() {
		return c.Kind == NewZone && c.Value == name
	}
	return c.Policy == "" && cmp.Or(c.Zone, defaultZone) == name
}

// isAboutPolicy reports whether the change creates the named policy or changes it.
func (c Change) isAboutPolicy(name string) bool {
	if c.creates() {
		return c.Kind == NewPolicy && c.Value == name
	}
	return c.Policy == name
}

// Command holds the arguments of one call of firewall-cmd, or a whole call of busctl.
type Command []string

// FormatCommands returns the calls as one text, with one argument per line and an empty line after each call.
func FormatCommands(commands []Command) string {
	var out strings.Builder
	for _, command := range commands {
		out.WriteString(strings.Join(command, "\n") + "\n\n")
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// ParseCommands is the inverse of [FormatCommands].
func ParseCommands(text string) []Command {
	var commands []Command
	for paragraph := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n\n") {
		if paragraph != "" {
			commands = append(commands, strings.Split(paragraph, "\n"))
		}
	}
	return commands
}

// object returns the option that selects the zone or policy of a change. It is empty for the default zone and for
// changes that create an object.
func (c Change) object() Command {
	switch {
	case c.Zone != "":
		return Command{"--zone=" + c.Zone}
	case c.Policy != "":
		return Command{"--policy=" + c.Policy}
	default:
		return nil
	}
}

// Args returns the arguments of the call of firewall-cmd that makes this one change in the permanent configuration.
// firewall-offline-cmd takes the same arguments without --permanent.
func (c Change) Args() []string {
	return append(append([]string{"--permanent"}, c.object()...), string(c.Kind)+"="+c.Value)
}

// Commands returns the calls that make the changes, in their order. Successive changes of the same kind, zone and
// policy share a call, and a permanent zone or policy is created with all of its settings in one call, because each
// call of firewall-cmd starts a Python interpreter.
func Commands(permanent bool, changes []Change) []Command {
	var calls []Command
	if permanent {
		for {
			first := slices.IndexFunc(changes, Change.creates)
			if first < 0 {
				break
			}
			call, left := creation(changes[first], changes[first+1:])
			calls, changes = append(calls, call), append(slices.Clone(changes[:first]), left...)
		}
	}
	return append(calls, commands(permanent, changes, func(c Change) string { return string(c.Kind) + "=" + c.Value })...)
}

// Undo returns the calls that revert the changes, in the opposite order. Targets are not reset: they disappear with
// the zones and policies that were created for them, as does everything else in those. At run time, zones and policies
// cannot be removed.
func Undo(permanent bool, changes []Change) []Command {
	disappears := func(change Change) bool {
		return permanent && slices.ContainsFunc(changes, func(other Change) bool {
			return other.Kind == NewZone && change.Zone == other.Value || other.Kind == NewPolicy && change.Policy == other.Value
		})
	}
	var reversed []Change
	for _, change := range slices.Backward(changes) {
		if change.Kind != SetTarget && (permanent || !change.creates()) && !disappears(change) {
			reversed = append(reversed, change)
		}
	}
	return commands(permanent, reversed, func(c Change) string {
		option := strings.Replace(string(c.Kind), "--add-", "--remove-", 1)
		return strings.Replace(option, "--new-", "--delete-", 1) + "=" + c.Value
	})
}

// commands builds the calls for Commands and Undo. option returns the option that makes or reverts a change.
func commands(permanent bool, changes []Change, option func(Change) string) []Command {
	var calls []Command
	for i, change := range changes {
		// firewall-cmd creates only one zone or policy per call.
		if i > 0 && !change.creates() && change.sameSetting(changes[i-1]) {
			calls[len(calls)-1] = append(calls[len(calls)-1], option(change))
			continue
		}
		var command Command
		if permanent {
			command = append(command, "--permanent")
		}
		calls = append(calls, append(append(command, change.object()...), option(change)))
	}
	return calls
}

// sameSetting reports whether two changes differ in their values only.
func (c Change) sameSetting(other Change) bool {
	c.Value, other.Value = "", ""
	return c == other
}
