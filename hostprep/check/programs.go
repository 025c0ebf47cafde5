package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/facts"
)

// programChecks returns the check for programs that the distribution has to provide.
func programChecks() []Check {
	return allIfReachable([]Check{{
		"programs", "The programs that the node or its preparation calls are there, or can be installed.", "install them", checkPrograms,
	}})
}

// Program is an executable that a host needs from its own distribution.
type Program struct {
	Name string
	// Debian and RPM name the packages that contain the program.
	Debian, RPM string
	// Purpose names the program that calls this one.
	Purpose string
	// needed reports whether a host needs the program; nil for programs that every node needs.
	needed func(*Cluster, *Host) bool
}

// programs lists the executables that Kubernetes 1.36 and 1.37 call on a node (addExecChecks of kubeadm's preflight,
// the kubelet's volumes), and those that the portmap plugin and dualstrap call. It lacks some that are often listed:
// kube-proxy has nft in its image, containerd forwards ports without socat, and kubeadm no longer checks for conntrack
// since 1.32. The probe's script has to look for each of them.
func programs() []Program {
	firewalldRuns := func(_ *Cluster, h *Host) bool { return h.Facts.Units["firewalld"].Active }
	builtin := func(c *Cluster, _ *Host) bool { return c.Builtin }
	return []Program{
		{"cp", "coreutils", "coreutils", "kubeadm", nil},
		{"mount", "mount", "util-linux", "the kubelet", nil},
		{"umount", "mount", "util-linux", "the kubelet", nil},
		{"losetup", "mount", "util-linux", "the kubelet", nil},
		{"ip", "iproute2", "iproute", "dualstrap", nil},
		{"ss", "iproute2", "iproute", "dualstrap", nil},
		{"sysctl", "procps", "procps-ng", "dualstrap", nil},
		{"gzip", "gzip", "gzip", "dualstrap", nil},
		{"sha256sum", "coreutils", "coreutils", "dualstrap", nil},
		{"nft", "nftables", "nftables", "the portmap plugin", builtin},
		{"firewall-cmd", "firewalld", "firewalld", "dualstrap", firewalldRuns},
	}
}

// Programs returns the programs that the host needs in this cluster.
func (h *Host) Programs(cluster *Cluster) []Program {
	return slices.DeleteFunc(programs(), func(p Program) bool { return p.needed != nil && !p.needed(cluster, h) })
}

// checkPrograms only warns if the host has a package manager that create can install the programs with.
func checkPrograms(s *subject) verdict {
	var missing, packages []string
	for _, p := range s.Programs(s.fleet.cluster) {
		if s.Facts.Programs[p.Name] {
			continue
		}
		missing = append(missing, fmt.Sprintf("%s (for %s)", p.Name, p.Purpose))
		name := p.Debian
		if packageManager(&s.Facts) == "dnf" {
			name = p.RPM
		}
		if !slices.Contains(packages, name) {
			packages = append(packages, name)
		}
	}
	if len(missing) == 0 {
		return passed("all programs are installed")
	}
	lacks := "missing programs: " + strings.Join(missing, ", ")
	command := fmt.Sprintf("%s install %s", packageManager(&s.Facts), strings.Join(packages, " "))
	if s.Facts.Programs["apt-get"] || s.Facts.Programs["dnf"] {
		return warning("%s", lacks).resolvedByCreate("create will run %s", command)
	}
	return failed("%s", lacks).withHint("%s", command)
}

// packageManager returns the program that installs packages on the host, for hints; apt-get if none is known.
func packageManager(f *facts.Host) string {
	for _, name := range []string{"dnf", "zypper"} {
		if f.Programs[name] {
			return name
		}
	}
	return "apt-get"
}
