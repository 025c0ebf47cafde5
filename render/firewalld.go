package render

import "slices"

// Firewalld is what firewalld on one host has to let through.
type Firewalld struct {
	// Settings belong into firewalld's own configuration; a change takes effect with its restart.
	Settings []FirewalldSetting
	// Changes are in the order in which they are made; they take effect with a reload.
	Changes []FirewalldChange
}

// FirewalldSetting is one KEY=VALUE line of a file.
type FirewalldSetting struct {
	File, Key, Value string
	// Why is one line for people.
	Why string
}

// FirewalldKind says what a FirewalldChange does. Its value is the option of firewall-cmd.
type FirewalldKind string

// The kinds of change.
const (
	FirewalldNewZone     FirewalldKind = "--new-zone"
	FirewalldNewPolicy   FirewalldKind = "--new-policy"
	FirewalldSetTarget   FirewalldKind = "--set-target"
	FirewalldAddSource   FirewalldKind = "--add-source"
	FirewalldAddIngress  FirewalldKind = "--add-ingress-zone"
	FirewalldAddEgress   FirewalldKind = "--add-egress-zone"
	FirewalldAddPort     FirewalldKind = "--add-port"
	FirewalldAddRichRule FirewalldKind = "--add-rich-rule"
)

// FirewalldChange is one permanent change: exactly one call of firewall-cmd, which takes one zone of
// a policy at a time.
type FirewalldChange struct {
	Kind FirewalldKind
	// Zone or Policy is what is changed. With neither it is the default zone, or what Kind creates.
	Zone, Policy string
	// Value is the argument of Kind: a range, a port, a rule.
	Value string
	// Why is one line for people.
	Why string
}

// Args are the arguments of firewall-cmd. firewall-offline-cmd takes the same without --permanent.
func (c FirewalldChange) Args() []string {
	args := []string{"--permanent"}
	if c.Zone != "" {
		args = append(args, "--zone="+c.Zone)
	}
	if c.Policy != "" {
		args = append(args, "--policy="+c.Policy)
	}
	return append(args, string(c.Kind)+"="+c.Value)
}

// firewalldKey is what the changes of a host depend on. Hosts that agree in it share them.
type firewalldKey struct {
	zone         string
	controlPlane bool
	services     bool
	// nameserver is set where hosts of the cluster send their questions.
	nameserver bool
	// balancer points to the host itself when it has peers to speak VRRP with.
	balancer *host
}

// firewalldData fills firewalld.yaml.
type firewalldData struct {
	Settings []FirewalldSetting
	Commands []firewalldCommand
}

type firewalldCommand struct {
	Why  string
	Argv []string
}

// firewalldFiles are the changes as data and as the file that shows them.
func (r *hostRenderer) firewalldFiles(h *host) (Firewalld, File, error) {
	key := firewalldKey{
		zone:         h.facts.FirewalldZone,
		controlPlane: h.isControlPlane(),
		services:     r.cfg.BalancesServices(h.pool.Role),
		nameserver:   r.isNameserver(h),
	}
	if !h.probed {
		key.zone = KnownAfterProbe
	}
	if r.cfg.BalancesControlPlane(h.pool.Role) {
		key.balancer = h
	}
	shared, done := r.firewalld[key]
	if !done {
		var err error
		if shared, err = r.newFirewalld(key); err != nil {
			return Firewalld{}, File{}, err
		}
		r.firewalld[key] = shared
	}
	return shared.Firewalld, File{Path: "firewalld.yaml", Mode: modePublic, Content: shared.content}, nil
}

// sharedFirewalld is what hosts with the same firewalldKey share.
type sharedFirewalld struct {
	Firewalld
	content []byte
}

func (r *hostRenderer) newFirewalld(key firewalldKey) (sharedFirewalld, error) {
	firewalld := Firewalld{
		Settings: []FirewalldSetting{{
			File: "/etc/firewalld/firewalld.conf", Key: "IPv6_rpfilter", Value: "no",
			Why: "It drops packets that come in where the way back does not go out, as those of pods do.",
		}},
		Changes: slices.Concat(r.podZone(key), r.podPolicies(), r.nodePorts(key)),
	}
	data := firewalldData{Settings: firewalld.Settings}
	for _, change := range firewalld.Changes {
		data.Commands = append(data.Commands, firewalldCommand{
			Why: change.Why, Argv: append([]string{"firewall-cmd"}, change.Args()...),
		})
	}
	content, err := fill(r.templates, "firewalld.yaml", data)
	return sharedFirewalld{Firewalld: firewalld, content: content}, err
}
