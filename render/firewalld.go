package render

import "slices"

// Firewalld describes the changes to firewalld that let the cluster's traffic through on one host.
type Firewalld struct {
	// Settings are changes to firewalld's own configuration. They take effect when firewalld restarts.
	Settings []FirewalldSetting
	// Changes are in the order in which they are made. They take effect when firewalld reloads.
	Changes []FirewalldChange
}

// FirewalldSetting is one KEY=VALUE line of a file.
type FirewalldSetting struct {
	File, Key, Value string
	// Why is the reason for the setting, in one line for readers.
	Why string
}

// FirewalldKind is the kind of a FirewalldChange. Its value is the option of firewall-cmd.
type FirewalldKind string

// The kinds of changes.
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

// FirewalldChange is one permanent change: exactly one call of firewall-cmd, which adds a single zone to a policy per
// call.
type FirewalldChange struct {
	Kind FirewalldKind
	// Zone or Policy names the object that is changed. If both are empty, it is the default zone, or the object that
	// Kind creates.
	Zone, Policy string
	// Value is the argument of Kind: a range, a port, a rule.
	Value string
	// Why is the reason for the change, in one line for readers.
	Why string
}

// Args returns the arguments of firewall-cmd. firewall-offline-cmd takes the same arguments without --permanent.
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

// firewalldKey holds the properties of a host on which its changes depend. Hosts with equal keys share the changes.
type firewalldKey struct {
	// zone is the firewalld zone of the node's interface; empty for the default zone.
	zone         string
	controlPlane bool
	// services is set if the node announces the addresses of Services.
	services bool
	// nameserver is set if hosts of the cluster send their DNS queries to this one.
	nameserver bool
	// balancer points to the host itself if it may hold the control plane's VIP: the rules for VRRP list its peers,
	// which differ from host to host. It is nil on all other hosts.
	balancer *host
}

// firewalldData fills firewalld.yaml.
type firewalldData struct {
	Settings []FirewalldSetting
	Commands []firewalldCommand
}

// firewalldCommand is one call of firewall-cmd as it is shown.
type firewalldCommand struct {
	Why  string
	Argv []string
}

// firewalldFiles returns the changes as data, and the file that shows them.
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

// sharedFirewalld holds the changes, and the file that shows them, for all hosts with the same firewalldKey.
type sharedFirewalld struct {
	Firewalld
	content []byte
}

// newFirewalld computes the changes for the hosts with a key.
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
