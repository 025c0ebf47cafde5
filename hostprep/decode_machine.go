package hostprep

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// spacePaths are the directories that a node fills, in the order in which the probe asks about them.
func spacePaths() []string {
	return []string{"/", "/var/lib/containerd", "/var/lib/kubelet", "/var/lib/etcd"}
}

// set makes a set of the words of a text.
func set(text string) map[string]bool {
	words := map[string]bool{}
	for _, word := range strings.Fields(text) {
		words[intern(word)] = true
	}
	return words
}

func decodePresent(said probeOutput, text string, facts *Facts) error {
	facts.Present = set(text)
	facts.Systemd = facts.Present["/run/systemd/system"]
	facts.IPv6 = facts.Present["/proc/sys/net/ipv6"]
	switch {
	case facts.Present["/sys/fs/cgroup/cgroup.controllers"]:
		facts.Cgroup = Cgroup{Version: 2, Controllers: strings.Fields(said.first("/sys/fs/cgroup/cgroup.controllers"))}
	case facts.Present["/sys/fs/cgroup/memory"]:
		facts.Cgroup = Cgroup{Version: 1, Controllers: cgroupV1Controllers(said)}
	}
	facts.Membership.Prepared = facts.Present["/etc/dualstrap"]
	facts.Membership.Joined = facts.Present["/etc/dualstrap/joined"]
	return nil
}

// cgroupV1Controllers are those that the last column of /proc/cgroups says are enabled.
func cgroupV1Controllers(said probeOutput) []string {
	var names []string
	for _, line := range said.files["/proc/cgroups"] {
		if fields := strings.Fields(line); len(fields) == 4 && fields[3] == "1" {
			names = append(names, intern(fields[0]))
		}
	}
	return names
}

func decodeArchitecture(_ probeOutput, text string, facts *Facts) error {
	facts.Architecture = intern(text)
	return nil
}

func decodeCPUs(_ probeOutput, text string, facts *Facts) error {
	var err error
	facts.CPUs, err = strconv.Atoi(text)
	return err
}

func decodeSpaces(_ probeOutput, text string, facts *Facts) error {
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

func decodePrograms(_ probeOutput, text string, facts *Facts) error {
	facts.Programs = set(text)
	return nil
}

func decodeFeatures(_ probeOutput, text string, facts *Facts) error {
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

// decodeContainer is only called when systemd-detect-virt found a container.
func decodeContainer(_ probeOutput, text string, facts *Facts) error {
	facts.Container = intern(text)
	return nil
}

func decodeTimeSync(_ probeOutput, text string, facts *Facts) error {
	switch text {
	case "NTPSynchronized=yes":
		facts.Clock.Synchronized = Yes
	case "NTPSynchronized=no":
		facts.Clock.Synchronized = No
	}
	return nil
}

// decodeClock takes the host's clock as read in the middle of the round trip, which it was give or
// take half of it.
func decodeClock(said probeOutput, text string, facts *Facts) error {
	nanoseconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return err
	}
	half := said.Duration / 2
	facts.Clock.Known = true
	facts.Clock.Uncertainty = half
	facts.Clock.Ahead = time.Unix(0, nanoseconds).Sub(said.received.Add(-half))
	return nil
}
