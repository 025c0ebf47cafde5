package facts

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// spacePaths returns the directories that a node fills, in the order in which the probe's script lists them.
func spacePaths() []string {
	return []string{"/", "/var/lib/containerd", "/var/lib/kubelet", "/var/lib/etcd"}
}

// set returns the words of a text as a set.
func set(text string) map[string]bool {
	words := map[string]bool{}
	for _, word := range strings.Fields(text) {
		words[intern(word)] = true
	}
	return words
}

// decodePresent decodes the list of paths that exist, and what follows from their existence.
func decodePresent(output probeOutput, text string, facts *Host) error {
	facts.Present = set(text)
	facts.Systemd = facts.Present["/run/systemd/system"] // the test of sd_booted(3)
	facts.IPv6 = facts.Present["/proc/sys/net/ipv6"]
	switch {
	// Only the root of a version 2 hierarchy has this file. The hybrid layout of systemd counts as version 1, as it does
	// for the kubelet.
	case facts.Present["/sys/fs/cgroup/cgroup.controllers"]:
		facts.Cgroup = Cgroup{Version: 2, Controllers: strings.Fields(output.first("/sys/fs/cgroup/cgroup.controllers"))}
	case facts.Present["/sys/fs/cgroup/memory"]:
		facts.Cgroup = Cgroup{Version: 1, Controllers: cgroupV1Controllers(output)}
	}
	// Preparing a host creates the directory; the marker in it is written when kubeadm has finished.
	facts.Membership.Prepared = facts.Present["/etc/dualstrap"]
	facts.Membership.Joined = facts.Present["/etc/dualstrap/joined"]
	return nil
}

// cgroupV1Controllers returns the controllers that are enabled according to the last column of /proc/cgroups.
func cgroupV1Controllers(output probeOutput) []string {
	var names []string
	for _, line := range output.files["/proc/cgroups"] {
		if fields := strings.Fields(line); len(fields) == 4 && fields[3] == "1" {
			names = append(names, intern(fields[0]))
		}
	}
	return names
}

// decodeArchitecture decodes the output of uname -m.
func decodeArchitecture(_ probeOutput, text string, facts *Host) error {
	facts.Architecture = intern(text)
	return nil
}

// decodeCPUs decodes the output of nproc, which only counts the CPUs that the host may use: a container's may be fewer
// than its machine's.
func decodeCPUs(_ probeOutput, text string, facts *Host) error {
	var err error
	facts.CPUs, err = strconv.Atoi(text)
	return err
}

// decodeSpaces decodes a line of stat -f for each directory: file system ID, block size, total blocks, blocks available
// to ordinary users, total inodes, and free inodes.
func decodeSpaces(_ probeOutput, text string, facts *Host) error {
	paths := spacePaths()
	lines := strings.Split(text, "\n")
	if len(lines) != len(paths) {
		return fmt.Errorf("%d file systems instead of %d", len(lines), len(paths))
	}
	facts.Spaces = make(map[string]Space, len(paths))
	for i, line := range lines {
		id, rest, _ := strings.Cut(line, " ")
		numbers, err := parseNumbers(rest, 5)
		if err != nil {
			return err
		}
		block := numbers[0]
		facts.Spaces[paths[i]] = Space{
			ID: intern(id), Size: block * numbers[1], Available: block * numbers[2], Inodes: numbers[3], FreeInodes: numbers[4],
		}
	}
	return nil
}

// parseNumbers parses exactly count numbers, separated by spaces.
func parseNumbers(text string, count int) ([]uint64, error) {
	fields := strings.Fields(text)
	if len(fields) != count {
		return nil, fmt.Errorf("%q is not %d numbers", text, count)
	}
	numbers := make([]uint64, count)
	for i, field := range fields {
		var err error
		if numbers[i], err = strconv.ParseUint(field, 10, 64); err != nil {
			return nil, err
		}
	}
	return numbers, nil
}

// decodePrograms decodes the list of programs that are in the PATH.
func decodePrograms(_ probeOutput, text string, facts *Host) error {
	facts.Programs = set(text)
	return nil
}

// decodeFeatures decodes lines of a kernel module and whether the kernel has it: yes, no or unknown.
func decodeFeatures(_ probeOutput, text string, facts *Host) error {
	facts.Features = map[string]Presence{}
	for line := range strings.Lines(text) {
		module, found, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch presence := Presence(found); presence {
		case Yes, No, Unknown:
			facts.Features[intern(module)] = Presence(intern(found))
		default:
			return fmt.Errorf("%q is not yes, no or unknown", found)
		}
	}
	return nil
}

// decodeContainer is only called if systemd-detect-virt has found a container: it fails otherwise.
func decodeContainer(_ probeOutput, text string, facts *Host) error {
	facts.Container = intern(text)
	return nil
}

// decodeTimeSync leaves Synchronized unknown for anything but yes and no.
func decodeTimeSync(_ probeOutput, text string, facts *Host) error {
	switch text {
	case "NTPSynchronized=yes":
		facts.Clock.Synchronized = Yes
	case "NTPSynchronized=no":
		facts.Clock.Synchronized = No
	}
	return nil
}

// decodeClock assumes that the host read its clock in the middle of the round trip. The error of that assumption is at
// most half of the round trip.
func decodeClock(output probeOutput, text string, facts *Host) error {
	nanoseconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return err
	}
	half := output.Duration / 2
	facts.Clock.Known = true
	facts.Clock.Uncertainty = half
	facts.Clock.Ahead = time.Unix(0, nanoseconds).Sub(output.received.Add(-half))
	return nil
}
