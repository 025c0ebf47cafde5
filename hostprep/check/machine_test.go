package check

import (
	"errors"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

func asIs(*scene) {}

func unreachable(reason error) func(*scene) {
	return func(s *scene) {
		s.first().Err = &remote.Error{
			Op: "cannot connect to root@10.2.0.4:22", Reason: reason, HintText: "a hint of the error",
		}
	}
}

// having returns a change of the first host's facts.
func having(change func(*facts.Host)) func(*scene) {
	return func(s *scene) { change(&s.first().Facts) }
}

func machineCases() []checkCase {
	return []checkCase{
		{"ssh", "it answers", Passed, asIs},
		{"ssh", "nobody there", Failed, unreachable(remote.ErrNoRoute)},
		{"ssh-forwarding", "it forwards", Passed, asIs},
		{"ssh-forwarding", "it refuses", Failed, func(s *scene) { s.first().NoForwarding = errors.New("administratively prohibited") }},
		{"ssh-forwarding", "a worker need not", "", func(s *scene) { s.first().ControlPlane = false }},
		{"ssh", "no sudo", Passed, unreachable(remote.ErrSudo)},
		{"ssh", "an error without a hint", Failed, func(s *scene) { s.first().Err = errors.New("cannot parse the facts of the host") }},
		{"privileges", "root", Passed, asIs},
		{"privileges", "no sudo", Failed, unreachable(remote.ErrSudo)},
		{"privileges", "nobody there", "", unreachable(remote.ErrNoRoute)},
		{"privileges", "another user", Failed, having(func(f *facts.Host) { f.UID = 1000 })},
		{"swap", "nobody there", "", unreachable(remote.ErrNoRoute)},

		{"os", "Debian", Passed, asIs},
		{"os", "Rocky", Passed, having(func(f *facts.Host) {
			f.OS = facts.OS{ID: "rocky", Like: []string{"rhel", "centos", "fedora"}, Name: "Rocky Linux 9.4"}
		})},
		{"os", "openSUSE", Warning, having(func(f *facts.Host) {
			f.OS = facts.OS{ID: "opensuse-leap", Like: []string{"suse", "opensuse"}, Name: "openSUSE Leap 15.6"}
		})},
		{"os", "Alpine", Warning, having(func(f *facts.Host) { f.OS = facts.OS{ID: "alpine", Name: "Alpine Linux v3.20"} })},
		{"os", "no os-release", Warning, having(func(f *facts.Host) { f.OS = facts.OS{} })},
		{"systemd", "it runs", Passed, asIs},
		{"systemd", "another init", Failed, having(func(f *facts.Host) { f.Systemd = false })},
		{"architecture", "amd64", Passed, asIs},
		{"architecture", "arm64", Failed, having(func(f *facts.Host) { f.Architecture = "aarch64" })},
		{"kernel", "6.1", Passed, asIs},
		{"kernel", "5.13", Passed, having(func(f *facts.Host) { f.Kernel = "5.13-rc1" })},
		{"kernel", "RHEL 9", Passed, having(func(f *facts.Host) { f.Kernel = "5.14.0-503.11.1.el9_5.x86_64" })},
		{"kernel", "RHEL 8", Failed, having(func(f *facts.Host) { f.Kernel = "4.18.0-553.el8_10.x86_64" })},
		{"kernel", "5.10", Failed, having(func(f *facts.Host) { f.Kernel = "5.10.0-33-amd64" })},
		{"kernel", "no version", Warning, having(func(f *facts.Host) { f.Kernel = "custom" })},
		{"kernel", "no number", Warning, having(func(f *facts.Host) { f.Kernel = "v.x" })},
		{"kernel-modules", "all there", Passed, asIs},
		{"kernel-modules", "one missing", Failed, having(func(f *facts.Host) { f.Features["nf_tables"] = facts.No })},
		{"kernel-modules", "unknown", Warning, having(func(f *facts.Host) { f.Features = nil })},
		{"cpu", "enough", Passed, asIs},
		{"cpu", "one, control plane", Failed, having(func(f *facts.Host) { f.CPUs = 1 })},
		{"cpu", "one, worker", Warning, func(s *scene) { s.first().ControlPlane, s.first().Facts.CPUs = false, 1 }},
		{"cpu", "unknown", Warning, having(func(f *facts.Host) { f.CPUs = 0 })},
		{"memory", "enough", Passed, asIs},
		{"memory", "too little, control plane", Failed, having(func(f *facts.Host) { f.Memory = 1500 * mebibyte })},
		{"memory", "little, worker", Warning, func(s *scene) { s.first().ControlPlane, s.first().Facts.Memory = false, 1500*mebibyte }},
		{"disk", "enough", Passed, asIs},
		{"disk", "little", Warning, space(20*gibibyte, 40*gibibyte)},
		{"disk", "too little", Failed, space(6*gibibyte, 7*gibibyte)},
		{"disk", "nearly full", Failed, space(140*gibibyte, 1000*gibibyte)},
		{"disk", "inodes", Failed, having(func(f *facts.Host) {
			full := f.Spaces["/"]
			full.FreeInodes = 49
			f.Spaces = map[string]facts.Space{"/": full, "/var/lib/kubelet": full}
		})},
		{"disk", "a disk for images that is too small", Failed, having(func(f *facts.Host) {
			f.Spaces["/var/lib/containerd"] = facts.Space{ID: "other", Size: gibibyte, Available: gibibyte}
		})},
		{"disk", "little for a node that has what it needs", Passed, func(s *scene) {
			space(20*gibibyte, 40*gibibyte)(s)
			s.join(0)
		}},
		{"disk", "unknown", Warning, having(func(f *facts.Host) { f.Spaces = nil })},
		{"cgroup", "version 2", Passed, asIs},
		{"cgroup", "version 1", Failed, having(cgroupV1)},
		{"cgroup", "version 1, allowed", Passed, func(s *scene) {
			s.cluster.AllowCgroupV1 = true
			cgroupV1(&s.first().Facts)
		}},
		{"cgroup", "no memory controller", Failed, having(func(f *facts.Host) { f.Cgroup.Controllers = []string{"cpu", "cpuset", "pids"} })},
		{"cgroup", "none", Failed, having(func(f *facts.Host) { f.Cgroup = facts.Cgroup{} })},
		{"swap", "none", Passed, asIs},
		{"swap", "two", Failed, having(func(f *facts.Host) { f.Swaps = []string{"/dev/dm-1", "/swapfile"} })},
		{"time-sync", "synchronized", Passed, asIs},
		{"time-sync", "not synchronized", Failed, having(func(f *facts.Host) { f.Clock.Synchronized = facts.No })},
		{"time-sync", "unknown", Warning, having(func(f *facts.Host) { f.Clock.Synchronized = facts.Unknown })},
		{"time-sync", "a container", Passed, having(func(f *facts.Host) { f.Container, f.Clock.Synchronized = "podman", facts.No })},
		{"clock-skew", "none", Passed, asIs},
		{"clock-skew", "two seconds behind", Warning, ahead(-2 * time.Second)},
		{"clock-skew", "ten minutes ahead", Failed, ahead(10 * time.Minute)},
		{"clock-skew", "less than the time it took to ask", Passed, func(s *scene) {
			s.first().Facts.Clock = facts.Clock{Known: true, Ahead: 5 * time.Second, Uncertainty: 6 * time.Second}
		}},
		{"clock-skew", "another host is ahead", Passed, func(s *scene) { s.hosts[1].Facts.Clock.Ahead = time.Hour }},
		{"clock-skew", "unknown", Warning, having(func(f *facts.Host) { f.Clock = facts.Clock{} })},
	}
}

func ahead(d time.Duration) func(*scene) {
	return having(func(f *facts.Host) { f.Clock.Ahead = d })
}

func cgroupV1(f *facts.Host) {
	f.Cgroup = facts.Cgroup{Version: 1, Controllers: []string{"cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids"}}
}

// space returns a change that puts all directories of the first host onto one disk.
func space(available, size uint64) func(*scene) {
	return having(func(f *facts.Host) {
		for path := range f.Spaces {
			f.Spaces[path] = facts.Space{ID: "disk", Size: size, Available: available, Inodes: 100, FreeInodes: 90}
		}
	})
}
