package render

import (
	"slices"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
)

// firewalldSetting is a setting of firewalld with the reason for it.
type firewalldSetting struct {
	firewalld.Setting
	// Why is one line for readers.
	Why string
}

// firewalldChange is a change of firewalld with the reason for it.
type firewalldChange struct {
	firewalld.Change
	// Why is one line for readers.
	Why string
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
	Settings []firewalldSetting
	Commands []firewalldCommand
}

// firewalldCommand is one call of firewall-cmd as it is shown.
type firewalldCommand struct {
	Why  string
	Argv []string
}

// firewalldFiles returns what is desired of firewalld on a host, and the file that shows it.
func (r *hostRenderer) firewalldFiles(h *host) (firewalld.Wanted, File, error) {
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
			return firewalld.Wanted{}, File{}, err
		}
		r.firewalld[key] = shared
	}
	return shared.wanted, File{Path: "firewalld.yaml", Mode: modePublic, Content: shared.content}, nil
}

// sharedFirewalld holds what is desired of firewalld, and the file that shows it, for all hosts with the same
// firewalldKey.
type sharedFirewalld struct {
	wanted  firewalld.Wanted
	content []byte
}

// newFirewalld computes what is desired on the hosts with a key.
func (r *hostRenderer) newFirewalld(key firewalldKey) (sharedFirewalld, error) {
	data := firewalldData{Settings: []firewalldSetting{{
		firewalld.Setting{File: "/etc/firewalld/firewalld.conf", Key: "IPv6_rpfilter", Value: "no"},
		"It drops packets that come in where the way back does not go out, as those of pods do.",
	}}}
	var wanted firewalld.Wanted
	for _, setting := range data.Settings {
		wanted.Settings = append(wanted.Settings, setting.Setting)
	}
	for _, change := range slices.Concat(r.podZone(key), r.podPolicies(), r.nodePorts(key)) {
		wanted.Changes = append(wanted.Changes, change.Change)
		data.Commands = append(data.Commands, firewalldCommand{
			Why: change.Why, Argv: append([]string{"firewall-cmd"}, change.Args()...),
		})
	}
	content, err := fill(r.templates, "firewalld.yaml", data)
	return sharedFirewalld{wanted: wanted, content: content}, err
}
