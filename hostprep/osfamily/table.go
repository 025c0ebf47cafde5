package osfamily

import _ "embed"

// The scripts that define the functions of [Family.Script].
var (
	//go:embed scripts/apt.sh
	aptScript string
	//go:embed scripts/dnf.sh
	dnfScript string
	//go:embed scripts/none.sh
	noneScript string
)

// All returns all families that dualstrap recognizes. To add one, add a row here, and its script.
func All() []Family {
	return []Family{
		{
			Name:          "Debian",
			Manager:       "apt-get",
			Distributions: []string{"Debian", "Ubuntu"},
			Releases:      []string{"Debian 12", "Ubuntu 22.04"},
			KernelModules: "linux-modules-extra-$(uname -r)",
			ids:           []string{"debian", "ubuntu"},
			script:        aptScript,
			packages: map[string]string{
				"bash": "bash", "cp": "coreutils", "firewall-cmd": "firewalld", "gzip": "gzip", "ip": "iproute2", "losetup": "mount",
				"mount": "mount", "nft": "nftables", "ping": "iputils-ping", "sha256sum": "coreutils", "ss": "iproute2",
				"sysctl": "procps", "umount": "mount",
			},
		},
		{
			Name:          "RHEL",
			Manager:       "dnf",
			Distributions: []string{"RHEL and its derivatives"},
			Releases:      []string{"RHEL 9"},
			KernelModules: "kernel-modules-extra",
			ids:           []string{"rhel", "centos", "fedora"},
			restrictedIDs: []string{"rhel", "centos"},
			script:        dnfScript,
			packages: map[string]string{
				"bash": "bash", "cp": "coreutils", "firewall-cmd": "firewalld", "gzip": "gzip", "ip": "iproute", "losetup": "util-linux",
				"mount": "util-linux", "nft": "nftables", "ping": "iputils", "sha256sum": "coreutils", "ss": "iproute",
				"sysctl": "procps-ng", "umount": "util-linux",
			},
		},
		{
			Name:    "SUSE",
			Manager: "zypper",
			ids:     []string{"suse", "opensuse", "sles"},
			packages: map[string]string{
				"bash": "bash", "cp": "coreutils", "firewall-cmd": "firewalld", "gzip": "gzip", "ip": "iproute2", "losetup": "util-linux",
				"mount": "util-linux", "nft": "nftables", "ping": "iputils", "sha256sum": "coreutils", "ss": "iproute2",
				"sysctl": "procps", "umount": "util-linux",
			},
		},
	}
}
