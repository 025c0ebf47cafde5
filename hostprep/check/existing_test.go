package check

import (
	"errors"
	"net/netip"

	"github.com/dualstrap/dualstrap/hostprep/facts"
)

func occupantCases() []checkCase {
	return []checkCase{
		{"other-cluster", "no node", Passed, asIs},
		{"other-cluster", "a node of this cluster", Passed, func(s *scene) { s.join(0, 1) }},
		{"other-cluster", "a node of this cluster, by the API server beside it", Passed, func(s *scene) {
			s.join(0)
			s.first().Facts.Membership.Server = "https://10.2.0.4:6443"
		}},
		{"other-cluster", "prepared for this cluster", Passed, func(s *scene) {
			s.first().Facts.Membership = facts.Membership{Prepared: true, PreparedFor: "10.2.0.175:443"}
		}},
		{"other-cluster", "not made by dualstrap", Failed, func(s *scene) {
			s.first().Facts.Membership = facts.Membership{Server: "https://10.2.0.175:443"}
		}},
		{"other-cluster", "another VIP", Failed, func(s *scene) {
			s.join(0)
			s.first().Facts.Membership.Server = "https://10.9.0.1:443"
		}},
		{"other-cluster", "prepared for another", Failed, func(s *scene) {
			s.first().Facts.Membership = facts.Membership{Prepared: true, PreparedFor: "10.9.0.1:443"}
		}},
		{"other-cluster", "another certificate authority", Failed, func(s *scene) {
			s.join(0)
			s.cluster.CAHash = "sha256:bb"
		}},
		{"other-cluster", "a certificate authority that two others have not", Failed, func(s *scene) {
			s.join(0, 1, 2)
			s.first().Facts.Membership.CAHash = "sha256:bb"
		}},
		{"other-cluster", "a certificate authority that one other has not", Passed, func(s *scene) {
			s.join(0, 1, 2)
			s.hosts[2].Facts.Membership.CAHash = "sha256:bb"
		}},
		{"other-cluster", "k3s", Failed, func(s *scene) { s.first().unit("k3s", facts.Unit{Active: true}) }},
		{"leftovers", "nothing", Passed, asIs},
		{"leftovers", "of kubeadm", Failed, having(func(f *facts.Host) {
			f.Present = map[string]bool{"/etc/kubernetes": true, "/var/lib/etcd": true, "/run/systemd/system": true}
		})},
		{"leftovers", "of a pod network", Failed, having(func(f *facts.Host) { f.Present["/etc/cni/net.d/05-cilium.conflist"] = true })},
		{"leftovers", "of this cluster", Passed, func(s *scene) {
			s.join(0)
			s.first().Facts.Present = map[string]bool{"/etc/kubernetes": true, "/var/lib/etcd": true}
		}},
		{"leftovers", "of the cluster that it is in", "", func(s *scene) {
			s.first().Facts.Membership.Server = "https://10.9.0.1:6443"
			s.first().Facts.Present = map[string]bool{"/etc/kubernetes": true}
		}},
		{"leftovers", "a kubelet and pod networks", Failed, func(s *scene) {
			s.first().unit("kubelet", facts.Unit{Active: true})
			s.first().Facts.Links = append(s.first().Facts.Links, facts.Link{Name: "flannel.1"}, facts.Link{Name: "cali0123"})
		}},
		{"container-runtime", "none", Passed, asIs},
		{"container-runtime", "dualstrap's", Passed, func(s *scene) {
			s.first().unit("containerd", facts.Unit{Active: true, Path: "/etc/systemd/system/containerd.service"})
		}},
		{"container-runtime", "Docker and its containerd", Failed, func(s *scene) {
			s.first().unit("containerd", facts.Unit{Active: true, Path: "/lib/systemd/system/containerd.service"})
			s.first().unit("docker", facts.Unit{Active: true, Path: "/lib/systemd/system/docker.service"})
		}},
		{"container-runtime", "stopped ones", Warning, func(s *scene) {
			s.first().unit("containerd", facts.Unit{Path: "/lib/systemd/system/containerd.service"})
			s.first().unit("crio", facts.Unit{Path: "/lib/systemd/system/crio.service"})
		}},
		{"container-runtime", "one that comes back", Failed, func(s *scene) { s.first().unit("docker", facts.Unit{Enabled: true}) }},

		{"ports", "free", Passed, asIs},
		{"ports", "6443", Failed, func(s *scene) { s.first().listen("tcp", "0.0.0.0", 6443, "nginx") }},
		{"ports", "6443 of a worker", Passed, func(s *scene) {
			s.first().ControlPlane = false
			s.first().listen("tcp", "0.0.0.0", 6443, "nginx")
		}},
		{"ports", "the VIP's port elsewhere", Passed, func(s *scene) { s.first().listen("tcp", "10.2.0.4", 443, "nginx") }},
		{"ports", "the VIP's port everywhere", Failed, func(s *scene) { s.first().listen("tcp", "*", 443, "nginx") }},
		{"ports", "UDP does not matter to TCP", Passed, func(s *scene) { s.first().listen("udp", "0.0.0.0", 10250, "x") }},
		{"ports", "several", Failed, func(s *scene) {
			s.first().listen("tcp", "127.0.0.1", 2379, "etcd")
			s.first().listen("tcp", "::", 10250, "kubelet")
			s.first().listen("udp", "10.2.0.4", 7946, "")
		}},
		{"ports", "those of a node", Passed, func(s *scene) {
			s.join(0)
			s.first().listen("tcp", "*", 10250, "kubelet")
			s.first().listen("tcp", "*", 6443, "kube-apiserver")
			s.first().listen("tcp", "127.0.0.1", 10257, "kube-controller")
			s.first().listen("tcp", "*", 30080, "")
		}},
		{"ports", "of a node, and another's program", Failed, func(s *scene) {
			s.join(0)
			s.first().listen("tcp", "*", 10250, "nginx")
		}},
		{"ports", "a NodePort", Warning, func(s *scene) { s.first().listen("tcp", "0.0.0.0", 30080, "python3") }},

		{"firewalld", "not there", Passed, asIs},
		{"firewalld", "it runs", Passed, func(s *scene) { s.first().firewalld("no", false) }},
		{"firewalld", "it runs and does not answer", Failed, func(s *scene) {
			s.first().firewalld("no", false)
			s.first().Facts.Firewalld.Zones = nil
		}},
		{"firewalld", "it comes back", Warning, func(s *scene) { s.first().unit("firewalld", facts.Unit{Enabled: true}) }},
		{"ipv6-rpfilter", "no firewalld", Passed, asIs},
		{"ipv6-rpfilter", "no", Passed, func(s *scene) { s.first().firewalld("no", false) }},
		{"ipv6-rpfilter", "no, but not restarted", Warning, func(s *scene) { s.first().firewalld("no", true) }},
		{"ipv6-rpfilter", "yes", Warning, func(s *scene) { s.first().firewalld("yes", true) }},
		{"ipv6-rpfilter", "loose-forward", Warning, func(s *scene) { s.first().firewalld("loose-forward", true) }},
		{"ipv6-rpfilter", "strict on Fedora with SELinux", Warning, func(s *scene) {
			s.first().firewalld("strict", true)
			s.first().Facts.OS = facts.OS{ID: "fedora", Name: "Fedora Linux 42"}
			s.first().Facts.SELinux = "enforcing"
		}},
		{"ipv6-rpfilter", "strict on RHEL with SELinux", Warning, func(s *scene) {
			s.first().firewalld("strict", true)
			s.first().Facts.OS = facts.OS{ID: "rhel", Like: []string{"fedora"}, Name: "Red Hat Enterprise Linux 9.4"}
			s.first().Facts.SELinux = "enforcing"
		}},
		{"selinux", "enforcing", Passed, having(func(f *facts.Host) { f.SELinux = "enforcing" })},
		{"conflicting-firewall", "none", Passed, asIs},
		{"conflicting-firewall", "ufw", Failed, having(func(f *facts.Host) { f.UFW = true })},
		{"conflicting-firewall", "nftables.service and old rules", Warning, func(s *scene) {
			s.first().unit("nftables", facts.Unit{Active: true})
			s.first().Facts.LegacyTables = true
		}},
		{"programs", "all there", Passed, asIs},
		{"programs", "missing where nothing installs", Failed, having(func(f *facts.Host) {
			f.Programs["zypper"], f.Programs["nft"] = true, false
		})},
		{"programs", "missing on openSUSE", Failed, having(func(f *facts.Host) {
			f.OS = facts.OS{ID: "opensuse-leap", Like: []string{"suse", "opensuse"}, Name: "openSUSE Leap 15.6"}
			f.Programs["zypper"], f.Programs["mount"], f.Programs["losetup"], f.Programs["ss"] = true, false, false, false
		})},
		{"programs", "missing on Debian without apt-get", Failed, having(func(f *facts.Host) { f.Programs["nft"] = false })},
		{"programs", "missing on Alpine", Failed, having(func(f *facts.Host) {
			f.OS, f.Programs["nft"] = facts.OS{ID: "alpine", Name: "Alpine Linux v3.20"}, false
		})},
		{"programs", "missing on Debian", Warning, having(func(f *facts.Host) {
			f.Programs["nft"], f.Programs["mount"], f.Programs["umount"], f.Programs["apt-get"] = false, false, false, true
		})},
		{"programs", "missing on Fedora with apt-get", Warning, having(func(f *facts.Host) {
			f.OS = facts.OS{ID: "fedora", Name: "Fedora Linux 42"}
			f.Programs["ip"], f.Programs["apt-get"], f.Programs["dnf"] = false, true, true
		})},
		{"programs", "missing on RHEL", Warning, having(func(f *facts.Host) {
			f.Programs["ip"], f.Programs["sysctl"], f.Programs["dnf"] = false, false, true
		})},
		{"programs", "nft with a pod network of one's own", Passed, func(s *scene) {
			s.cluster.Builtin = false
			s.first().Facts.Programs["nft"] = false
		}},
		{"programs", "firewall-cmd where firewalld does not run", Passed, having(func(f *facts.Host) { f.Programs["firewall-cmd"] = false })},
	}
}

func neighbourCases() []checkCase {
	const stranger = "02:ff:00:00:00:01"
	return []checkCase{
		{"node-to-node", "nothing tried", "", asIs},
		{"node-to-node", "all reached", Passed, func(s *scene) {
			s.first().reached("10.2.0.5", "whole", "fd12::2:5", "refused", "10.2.0.6", "open")
		}},
		{"node-to-node", "no IPv6", Failed, func(s *scene) {
			s.first().reached("10.2.0.5", "whole", "fd12::2:5", "filtered", "fd12::2:6", "filtered")
		}},
		{"node-to-node", "small packets only", Warning, func(s *scene) { s.first().reached("10.2.0.5", "small", "fd12::2:5", "whole") }},
		{"node-to-node", "no means to try", Warning, func(s *scene) { s.first().reached("10.2.0.5", "unknown") }},
		{"node-to-node", "no means to try on RHEL", Warning, func(s *scene) {
			s.first().Facts.OS = facts.OS{ID: "rhel"}
			s.first().reached("10.2.0.5", "unknown")
		}},
		{"node-to-node", "no means to try on Alpine", Warning, func(s *scene) {
			s.first().Facts.OS = facts.OS{ID: "alpine"}
			s.first().reached("10.2.0.5", "unknown")
		}},
		{"addresses-unused", "nothing tried", Passed, asIs},
		{"addresses-unused", "nobody", Passed, func(s *scene) { s.first().neighbours() }},
		{"addresses-unused", "a stranger", Failed, func(s *scene) { s.first().neighbours("10.2.0.175", stranger, "fd12::4:105", stranger) }},
		{"addresses-unused", "a stranger, and a host that does not answer", Warning, func(s *scene) {
			s.first().neighbours("10.2.0.175", stranger)
			s.hosts[1].Err = errors.New("no answer")
		}},
		{"addresses-unused", "another host, and one that does not answer", Failed, func(s *scene) {
			s.first().neighbours("10.2.0.175", s.hosts[1].eth0().MAC)
			s.hosts[2].Err = errors.New("no answer")
		}},
		{"addresses-unused", "another host", Failed, func(s *scene) { s.first().neighbours("10.2.0.175", s.hosts[1].eth0().MAC) }},
		{"addresses-unused", "a node of this cluster", Passed, func(s *scene) {
			s.join(1)
			s.first().neighbours("10.2.0.175", s.hosts[1].eth0().MAC)
		}},
		{"addresses-unused", "the host itself", Failed, holdVIP},
		{"addresses-unused", "the host itself, as a node of this cluster", Passed, func(s *scene) {
			s.join(0)
			holdVIP(s)
		}},
		{"addresses-unused", "who had it before the host itself, which remembers that", Passed, func(s *scene) {
			s.join(0)
			holdVIP(s)
			s.first().neighbours("10.2.0.175", s.hosts[1].eth0().MAC)
		}},
		{"addresses-unused", "mode manual", "", func(s *scene) {
			s.withoutBalancers()
			holdVIP(s)
		}},
		{"control-plane-vip", "mode bundled", "", asIs},
		{"control-plane-vip", "it takes connections", Passed, connected("open")},
		{"control-plane-vip", "it refuses connections", Passed, connected("refused")},
		{"control-plane-vip", "nothing", Failed, connected("filtered")},
		{"control-plane-vip", "no means to try", Warning, connected("unknown")},
	}
}

func holdVIP(s *scene) {
	eth0 := s.first().eth0()
	eth0.Addresses = append(eth0.Addresses, facts.Address{Prefix: netip.MustParsePrefix("10.2.0.175/32"), Global: true})
}

func connected(answer facts.ProbeResult) func(*scene) {
	return func(s *scene) {
		s.withoutBalancers()
		s.first().Network = &facts.Network{Connected: map[netip.AddrPort]facts.ProbeResult{s.cluster.Endpoint: answer}}
	}
}
