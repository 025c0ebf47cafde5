package firewalld

import (
	"cmp"
	"strings"
)

// Wanted is what firewalld on one host has to let through.
type Wanted struct {
	// Settings belong into firewalld's own configuration; a change takes effect with its restart.
	Settings []Setting
	// Changes are in the order in which they are made.
	Changes []Change
}

// Setting is one KEY=VALUE line of a file.
type Setting struct{ File, Key, Value string }

// Kind says what a Change does. Its value is the option of firewall-cmd.
type Kind string

// The kinds of change.
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

// Change is something that firewalld has to have.
type Change struct {
	Kind Kind `json:"kind"`
	// Zone or Policy is what is changed. With neither it is the default zone, or what Kind creates.
	Zone   string `json:"zone,omitempty"`
	Policy string `json:"policy,omitempty"`
	// Value is the argument of Kind: a range, a port, a rule.
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

// makes reports whether the change creates a zone or a policy.
func (c Change) makes() bool { return c.Kind == NewZone || c.Kind == NewPolicy }

// isAboutZone reports whether the change makes a zone or is in it.
func (c Change) isAboutZone(name, defaultZone string) bool {
	if c.makes() {
		return c.Kind == NewZone && c.Value == name
	}
	return c.Policy == "" && cmp.Or(c.Zone, defaultZone) == name
}

// isAboutPolicy reports whether the change makes a policy or is in it.
func (c Change) isAboutPolicy(name string) bool {
	if c.makes() {
		return c.Kind == NewPolicy && c.Value == name
	}
	return c.Policy == name
}

// Command is the arguments of one call of firewall-cmd.
type Command []string

// FormatCommands gives calls as one text: an argument a line, and an empty line after each call.
func FormatCommands(commands []Command) string {
	var out strings.Builder
	for _, command := range commands {
		out.WriteString(strings.Join(command, "\n") + "\n\n")
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// ParseCommands reads what FormatCommands gives.
func ParseCommands(text string) []Command {
	var commands []Command
	for paragraph := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n\n") {
		if paragraph != "" {
			commands = append(commands, strings.Split(paragraph, "\n"))
		}
	}
	return commands
}

// object chooses what a change is about.
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

// Commands make changes, in their order, with as few calls as firewall-cmd can do with: each starts
// an interpreter, and takes several values of one kind for one zone or policy.
func Commands(permanent bool, changes []Change) []Command {
	return commands(permanent, changes, func(c Change) string { return string(c.Kind) + "=" + c.Value })
}

// Undo takes changes back, in the opposite order. Targets are not set back: they go with the zones and
// policies that were made for them.
func Undo(permanent bool, changes []Change) []Command {
	var backwards []Change
	for i := len(changes) - 1; i >= 0; i-- {
		if changes[i].Kind != SetTarget && (permanent || !changes[i].makes()) {
			backwards = append(backwards, changes[i])
		}
	}
	return commands(permanent, backwards, func(c Change) string {
		option := strings.Replace(string(c.Kind), "--add-", "--remove-", 1)
		return strings.Replace(option, "--new-", "--delete-", 1) + "=" + c.Value
	})
}

func commands(permanent bool, changes []Change, option func(Change) string) []Command {
	var made []Command
	for i, change := range changes {
		if i > 0 && !change.makes() && change.sameSetting(changes[i-1]) {
			made[len(made)-1] = append(made[len(made)-1], option(change))
			continue
		}
		var command Command
		if permanent {
			command = append(command, "--permanent")
		}
		made = append(made, append(append(command, change.object()...), option(change)))
	}
	return made
}

// sameSetting reports whether two changes differ in their values alone.
func (c Change) sameSetting(other Change) bool {
	c.Value, other.Value = "", ""
	return c == other
}
