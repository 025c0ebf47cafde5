package check

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/dualstrap/dualstrap/hostprep/facts"
)

const (
	// noticedSkew is the difference at which etcd starts to log warnings about its peers' clocks.
	noticedSkew = time.Second
	// harmfulSkew leaves a margin: API servers accept each other's tokens up to a minute before they are valid.
	harmfulSkew = 30 * time.Second
)

// clockChecks returns the checks of the hosts' clocks.
func clockChecks() []Check {
	return allIfReachable([]Check{
		{
			"time-sync", "The clock is synchronized: by chrony, ntpd or systemd-timesyncd.",
			"switch it on and wait a minute: timedatectl set-ntp true", checkTimeSync,
		},
		{
			"clock-skew", "The clocks of all hosts agree to within a second, or etcd complains; more than 30 seconds are a failure.",
			"set the clock, and switch synchronization on: timedatectl set-ntp true", checkClockSkew,
		},
	})
}

// checkTimeSync relies on what systemd reports. A container shares the clock of its machine.
func checkTimeSync(s *subject) verdict {
	switch clock := s.Facts.Clock; {
	case s.node.Container:
		return passed("the clock is that of the machine around this container")
	case clock.Synchronized == facts.Yes:
		return passed("the clock is synchronized")
	case clock.Synchronized == facts.No:
		return failed("the clock is not synchronized, or not yet")
	default:
		return warning("cannot tell whether the clock is synchronized").withHint("timedatectl")
	}
}

// checkClockSkew compares the host's clock with the median of all hosts, which one wrong clock does not move.
func checkClockSkew(s *subject) verdict {
	clock := s.Facts.Clock
	if !clock.Known {
		return warning("cannot read the host's clock").withHint("date")
	}
	// Differences within the uncertainty of the measurement do not count.
	direction := "behind"
	if clock.Ahead > s.fleet.clock.Ahead {
		direction = "ahead of"
	}
	switch distance := clockDistance(clock, s.fleet.clock); {
	case distance > harmfulSkew:
		return failed("the clock is %s %s those of the other hosts", distance.Round(time.Second), direction)
	case distance > noticedSkew:
		return warning("the clock is %s %s those of the other hosts", distance.Round(100*time.Millisecond), direction)
	default:
		return passed("the clock agrees with those of the other hosts")
	}
}

// identityChecks returns the checks for properties that have to be unique, which copies of virtual machines violate.
func identityChecks() []Check {
	return allIfReachable([]Check{
		{
			"hostname", "The host's name can be a node's, and no other host has it.",
			"give the host a name of its own: hostnamectl set-hostname NAME", checkHostname,
		},
		{
			"machine-id", "The host has a machine-id that no other host has.",
			"make a new one: rm /etc/machine-id && systemd-machine-id-setup, and reboot", checkMachineID,
		},
		{
			"mac-address", "No other host has the hardware address of the node's interface.",
			"give the virtual machine or the interface another hardware address", checkMAC,
		},
	})
}

// checkHostname checks that the name is valid for a Node object and for the label kubernetes.io/hostname, and unique.
func checkHostname(s *subject) verdict {
	name := s.node.Name
	others := s.others(s.fleet.byName, name)
	wrong := validation.IsDNS1123Subdomain(name)
	switch {
	case name == "":
		return failed("it has no name")
	case strings.HasPrefix(name, "localhost"): // every host of an unconfigured image has this name
		return failed("it is called %s", name)
	case len(wrong) > 0:
		return failed("it is called %q; a node's name has letters, digits, dashes and dots, and a letter or digit at both ends", name)
	// The value of the label kubernetes.io/hostname is the name, and label values are limited to 63 characters.
	case len(name) > validation.LabelValueMaxLength:
		return failed("it is called %s, which has more than %d characters", name, validation.LabelValueMaxLength)
	case len(others) > 0:
		return failed("it is called %s, as is %s", name, formatList(others))
	default:
		return passed("it is called %s", name)
	}
}

// checkMachineID checks that the machine-id is there and unique. Equal product UUIDs, the sign of a copied virtual
// machine, only get a warning. Containers share the UUID of their machine.
func checkMachineID(s *subject) verdict {
	id := s.Facts.MachineID
	if len(id) != 32 { // "uninitialized" in images whose first boot has not finished
		return failed("there is no machine-id in /etc/machine-id").withHint("create one: systemd-machine-id-setup")
	}
	if others := s.others(s.fleet.byMachineID, id); len(others) > 0 {
		return failed("its machine-id is that of %s, too", formatList(others))
	}
	twins := s.others(s.fleet.byProductUUID, s.Facts.ProductUUID)
	if len(twins) > 0 && !s.node.Container {
		return warning("its product UUID is that of %s, too, as if they were one machine", formatList(twins)).
			withHint("if the host is a virtual machine, give it a UUID of its own")
	}
	return passed("no other host has its machine-id")
}

// checkMAC compares the hardware addresses of the nodes' interfaces; other interfaces are not on the nodes' L2.
func checkMAC(s *subject) verdict {
	link := s.link()
	if link == nil {
		return doesNotApply()
	}
	if others := s.others(s.fleet.byMAC, link.MAC); len(others) > 0 {
		return failed("its hardware address %s is that of %s, too", link.MAC, formatList(others))
	}
	return passed("no other host has %s", link.MAC)
}
