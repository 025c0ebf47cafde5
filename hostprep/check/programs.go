package check

import (
	"cmp"
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

// Program is an executable that a host needs from its own distribution. Package osfamily names its packages.
type Program struct {
	Name string
	// Purpose names the program that calls this one.
	Purpose string
	// needed reports whether a host needs the program; nil for programs that every node needs.
	needed func(*Cluster, *Host) bool
}

// programs lists the executables that Kubernetes 1.36 and 1.37 call on a node (addExecChecks of kubeadm's preflight,
// the kubelet's volumes), and those that the portmap plugin and dualstrap call. It lacks some that are often listed:
// kube-proxy has nft in its image, containerd forwards ports without socat, and kubeadm no longer checks for conntrack
// since 1.32.
func programs() []Program {
	firewalldRuns := func(_ *Cluster, h *Host) bool { return h.Facts.Units["firewalld"].Active }
	builtin := func(c *Cluster, _ *Host) bool { return c.Builtin }
	return []Program{
		{"cp", "kubeadm", nil},
		{"mount", "the kubelet", nil},
		{"umount", "the kubelet", nil},
		{"losetup", "the kubelet", nil},
		{"ip", "dualstrap", nil},
		{"ss", "dualstrap", nil},
		{"sysctl", "dualstrap", nil},
		{"gzip", "dualstrap", nil},
		{"sha256sum", "dualstrap", nil},
		{"nft", "the portmap plugin", builtin},
		{"firewall-cmd", "dualstrap", firewalldRuns},
	}
}

// Programs returns the programs that the host needs in this cluster.
func (h *Host) Programs(cluster *Cluster) []Program {
	return slices.DeleteFunc(programs(), func(p Program) bool { return p.needed != nil && !p.needed(cluster, h) })
}

// checkPrograms only warns if the host has a package manager that create can install the programs with.
func checkPrograms(s *subject) verdict {
	var missing, packages []string
	family := s.Facts.PackageFamily()
	for _, p := range s.Programs(s.fleet.cluster) {
		if s.Facts.Programs[p.Name] {
			continue
		}
		missing = append(missing, fmt.Sprintf("%s (for %s)", p.Name, p.Purpose))
		if name := family.Package(p.Name); name != "" && !slices.Contains(packages, name) {
			packages = append(packages, name)
		}
	}
	if len(missing) == 0 {
		return passed("all programs are installed")
	}
	lacks := "missing programs: " + strings.Join(missing, ", ")
	command := family.InstallCommand(packages...)
	if family.IsSupported() && s.Facts.Programs[family.Manager] {
		return warning("%s", lacks).resolvedByCreate("create will run %s", command)
	}
	return failed("%s", lacks).withHint("%s", command)
}

// installHint describes how to install a program on the host.
func installHint(known *facts.Host, program string) string {
	family := known.PackageFamily()
	return cmp.Or(family.InstallCommand(family.Package(program)), "install "+program)
}
