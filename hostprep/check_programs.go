package hostprep

import (
	"slices"
	"strings"
)

func programChecks() []Check {
	return whereReached([]Check{{
		"programs", "The programs that the node or its preparation calls are there.", "install them", judgePrograms,
	}})
}

// program is one that a host needs.
type program struct {
	name string
	// debian and rpm are the packages that have it.
	debian, rpm string
	purpose     string
	// needed is nil for a program that every node needs.
	needed func(*subject) bool
}

// programs are what Kubernetes 1.36 and 1.37 call on a node (addExecChecks of kubeadm's preflight, the
// kubelet's volumes), what the portmap plugin calls, and what dualstrap calls. kube-proxy brings nft in
// its image, containerd forwards ports without socat, and conntrack is not asked for since 1.32.
func programs() []program {
	firewalldRuns := func(s *subject) bool { return s.Facts.Units["firewalld"].Active }
	builtin := func(s *subject) bool { return s.fleet.cluster.Builtin }
	return []program{
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

func judgePrograms(s *subject) verdict {
	var missing, packages []string
	for _, p := range programs() {
		if s.Facts.Programs[p.name] || p.needed != nil && !p.needed(s) {
			continue
		}
		missing = append(missing, p.name+" for "+p.purpose)
		name := p.debian
		if s.Facts.packageManager() == "dnf" {
			name = p.rpm
		}
		if !slices.Contains(packages, name) {
			packages = append(packages, name)
		}
	}
	if len(missing) == 0 {
		return passed("all programs are there")
	}
	return failed("there is no %s", strings.Join(missing, ", no ")).
		try("%s install %s", s.Facts.packageManager(), strings.Join(packages, " "))
}

// packageManager is the program that installs packages on the host.
func (f *Facts) packageManager() string {
	for _, name := range []string{"dnf", "zypper"} {
		if f.Programs[name] {
			return name
		}
	}
	return "apt-get"
}
