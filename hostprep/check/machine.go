package check

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/hostprep/osfamily"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/internal/hint"
)

const (
	mebibyte = 1 << 20
	gibibyte = 1 << 30
)

// accessChecks returns the checks of the connection. They are the only ones that apply to hosts that did not answer.
func accessChecks() []Check {
	return []Check{{
		Name:     "ssh",
		Short:    "The host answers over SSH, is known, and lets the user in.",
		Hint:     "check the address, the user and the key with: ssh USER@ADDRESS",
		evaluate: checkAccess,
	}, {
		Name:     "privileges",
		Short:    "The user is root or becomes root with sudo and without a password.",
		Hint:     "let the user become root: echo 'USER ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/USER",
		evaluate: checkPrivileges,
	}, {
		Name:     "ssh-forwarding",
		Short:    "The SSH server of a control plane host forwards connections to the API server.",
		Hint:     "allow it in sshd_config: AllowTcpForwarding local, and no DisableForwarding",
		evaluate: ifReachable(checkForwarding),
	}}
}

// checkForwarding applies to control plane hosts. An API server that does not run yet refuses the connection, and the SSH
// server has tried then.
func checkForwarding(s *subject) verdict {
	switch {
	case !s.ControlPlane:
		return doesNotApply()
	case s.NoForwarding != nil:
		return failed("%v", s.NoForwarding)
	default:
		return passed("it forwards connections")
	}
}

// ifReachable wraps an evaluation so that it does not apply to hosts that did not answer, of which no facts are known.
func ifReachable(evaluate func(*subject) verdict) func(*subject) verdict {
	return func(s *subject) verdict {
		if s.Err != nil {
			return doesNotApply()
		}
		return evaluate(s)
	}
}

// checkAccess passes if the user could log in, even if sudo failed afterwards.
func checkAccess(s *subject) verdict {
	if s.Err == nil || errors.Is(s.Err, remote.ErrSudo) {
		return passed("it answers")
	}
	return failed("%v", s.Err).withHint("%s", hint.Of(s.Err))
}

// checkPrivileges checks that commands run as root. The probe is refused with ErrSudo if sudo asks for a password.
func checkPrivileges(s *subject) verdict {
	switch {
	case errors.Is(s.Err, remote.ErrSudo):
		return failed("%v", s.Err).withHint("%s", hint.Of(s.Err))
	case s.Err != nil:
		return doesNotApply()
	case s.Facts.UID != 0:
		return failed("commands run as user %d, not as root", s.Facts.UID)
	default:
		return passed("commands run as root")
	}
}

// machineChecks returns the checks of the operating system and the hardware.
func machineChecks() []Check {
	checks := []Check{
		{
			"os", "The distribution is one that dualstrap is tested on: " + testedDistributions() + ".",
			"use " + supportedReleases() + " or later, or continue at your own risk", checkOS,
		},
		{"systemd", "systemd runs the host.", "boot the host with systemd", checkSystemd},
		{"architecture", "The machine is x86-64.", "use an amd64 host", checkArchitecture},
		{
			"kernel", "The kernel is 5.13 or later, which kube-proxy's nftables mode needs.",
			"upgrade to a distribution with a later kernel and reboot", checkKernel,
		},
		{
			"kernel-modules", "The kernel has overlay, nf_tables, nf_conntrack and veth.",
			"install the rest of the kernel's modules: " + modulesCommands(), checkModules,
		},
		{"cpu", "Control plane nodes have 2 CPUs or more.", "give the host more CPUs", checkCPU},
		{"memory", "Control plane nodes have 1,700 MiB of memory or more, workers 900 MiB.", "give the host more memory", checkMemory},
		{
			"disk", "There is space for images, containers and etcd, and the kubelet would not evict pods at once.",
			"free space, or mount a larger disk there", checkDisk,
		},
		{
			"cgroup", "Control groups are version 2, or version 1 with allowCgroupV1, with the controllers that the kubelet needs.",
			"boot with systemd.unified_cgroup_hierarchy=1, or set allowCgroupV1: true in ProvisionOptions", checkCgroup,
		},
		{
			"swap", "There is no swap; the kubelet does not start with swap.",
			"switch it off for good: swapoff -a, and remove its line from /etc/fstab", checkSwap,
		},
	}
	return allIfReachable(checks)
}

// allIfReachable applies ifReachable to all checks.
func allIfReachable(checks []Check) []Check {
	for i := range checks {
		checks[i].evaluate = ifReachable(checks[i].evaluate)
	}
	return checks
}

// testedDistributions lists the distributions of all supported families, for a sentence.
func testedDistributions() string {
	var names []string
	for _, family := range osfamily.Supported() {
		names = append(names, family.Distributions...)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + ", or " + names[last]
}

// supportedReleases lists the oldest supported releases.
func supportedReleases() string {
	var releases []string
	for _, family := range osfamily.Supported() {
		releases = append(releases, family.Releases...)
	}
	return strings.Join(releases, ", ")
}

// modulesCommands lists the commands that install the kernel modules that a minimal installation lacks.
func modulesCommands() string {
	var commands []string
	for _, family := range osfamily.Supported() {
		commands = append(commands, family.InstallCommand(family.KernelModules))
	}
	return strings.Join(commands, ", or ")
}

// checkOS passes for the families that the tests cover. Others only get a warning: what the cluster needs is covered by
// other checks.
func checkOS(s *subject) verdict {
	switch name, family := s.Facts.OS.Name, s.Facts.Family(); {
	case s.Facts.OS.ID == "":
		return warning("cannot tell which distribution it is: there is no os-release")
	case family.IsSupported():
		return passed("%s", name)
	case family.Manager != "": // SUSE
		return warning("dualstrap is not tested on %s, and does not install packages with %s", name, family.Manager)
	default:
		return warning("dualstrap is not tested on %s", name)
	}
}

// checkSystemd fails without systemd: dualstrap only has units for it, and kubeadm expects it.
func checkSystemd(s *subject) verdict {
	if !s.Facts.Systemd {
		return failed("systemd does not run, and nothing else starts containerd and the kubelet")
	}
	return passed("systemd runs")
}

// checkArchitecture compares with the architecture that bundles are built for.
func checkArchitecture(s *subject) verdict {
	if s.Facts.Architecture != "x86_64" {
		return failed("the machine is %s; bundles only contain programs for amd64", s.Facts.Architecture)
	}
	return passed("amd64")
}

// checkKernel compares with kube-proxy's minimum for its nftables mode; see NFTablesKubeProxyKernelVersion in
// Kubernetes' pkg/util/kernel. Distributions append text to the version, such as 5.13-rc1 or 5.14.0-503.el9.
func checkKernel(s *subject) verdict {
	const major, minor = 5, 13
	numbers := strings.SplitN(s.Facts.Kernel, ".", 3)
	if len(numbers) < 2 {
		return warning("cannot parse kernel version %q", s.Facts.Kernel)
	}
	first, err := strconv.Atoi(numbers[0])
	digits := strings.IndexFunc(numbers[1]+" ", func(r rune) bool { return r < '0' || r > '9' })
	second, err2 := strconv.Atoi(numbers[1][:digits])
	switch {
	case err != nil || err2 != nil:
		return warning("cannot parse kernel version %q", s.Facts.Kernel)
	case first < major || first == major && second < minor:
		return failed("kernel %s is older than %d.%d", s.Facts.Kernel, major, minor)
	default:
		return passed("kernel %s", s.Facts.Kernel)
	}
}

// checkModules fails for features that the kernel lacks, and warns about those of which the host cannot tell.
func checkModules(s *subject) verdict {
	var missing, unknown []string
	for _, module := range []string{"overlay", "nf_tables", "nf_conntrack", "veth"} {
		switch s.Facts.Features[module] {
		case facts.Yes:
		case facts.No:
			missing = append(missing, module)
		default:
			unknown = append(unknown, module)
		}
	}
	switch {
	case len(missing) > 0:
		return failed("the kernel does not have %s", formatList(missing))
	case len(unknown) > 0:
		return warning("cannot tell whether the kernel has %s", formatList(unknown)).
			withHint("make sure that modprobe %s works", strings.Join(unknown, " "))
	default:
		return passed("the kernel has all required modules")
	}
}

// checkCgroup checks the version of the control groups and the controllers that the kubelet needs.
func checkCgroup(s *subject) verdict {
	// In version 2, devices and freezer are part of the core and not listed as controllers.
	needed := []string{"cpu", "cpuset", "memory", "pids"}
	switch cgroup := s.Facts.Cgroup; {
	case cgroup.Version == 0:
		return failed("there are no control groups below /sys/fs/cgroup")
	case cgroup.Version == 1 && !s.fleet.cluster.AllowCgroupV1:
		return failed("control groups are version 1, which the kubelet refuses unless it is configured to allow them")
	case cgroup.Version == 1:
		needed = []string{"cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids"}
	}
	var missing []string
	for _, controller := range needed {
		if !slices.Contains(s.Facts.Cgroup.Controllers, controller) {
			missing = append(missing, controller)
		}
	}
	if len(missing) > 0 {
		return failed("control groups lack %s", formatList(missing)).
			withHint("enable the controllers on the kernel's command line, for example with cgroup_enable=memory")
	}
	return passed("control groups are version %d", s.Facts.Cgroup.Version)
}

// checkSwap fails for any swap: the kubelet refuses to start with its default of failSwapOn. dualstrap never switches
// swap off on its own.
func checkSwap(s *subject) verdict {
	if swaps := s.Facts.Swaps; len(swaps) > 0 {
		return failed("it swaps to %s", formatList(swaps))
	}
	return passed("there is no swap")
}
