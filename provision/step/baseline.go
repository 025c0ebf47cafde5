package step

import (
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/change"
	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/render"
)

// etcdData is the directory of etcd's data, which is kubeadm's default.
const etcdData = "/var/lib/etcd"

// baseline describes the state that the programs of a node change on their own, beyond the files, units and sysctls that
// dualstrap sets. Prepare records it with the first change on the host, and reset restores it. Only small trees are
// copied; files that the others held before stay as the programs left them.
func baseline(host *check.Host) change.Baseline {
	trees := []change.Tree{
		{Path: "/etc/kubernetes", Copy: true},
		{Path: "/etc/cni/net.d", Copy: true},
		{Path: "/var/lib/cni", Copy: true},
		{Path: "/var/lib/kubelet", Copy: true},
		{Path: "/var/lib/containerd"},
		{Path: "/run/containerd"},
		{Path: "/run/nri"},
		{Path: "/run/dualstrap"},
		{Path: "/opt/containerd"},
		{Path: "/var/log/containers"},
		{Path: "/var/log/kubernetes"},
		{Path: "/var/log/pods"},
		{Path: "/usr/libexec/kubernetes"},
	}
	if host.ControlPlane {
		trees = append(trees, change.Tree{Path: etcdData, Copy: true})
	}
	var zones []string
	if host.Facts.Units["firewalld"].Active {
		zones = []string{host.Facts.Firewalld.DefaultZone}
	}
	return change.Baseline{Trees: trees, Tables: true, Zones: zones, Sysctls: baselineSysctls(host)}
}

// baselineSysctls returns the sysctls that the programs of a node set on their own, as paths below /proc/sys.
func baselineSysctls(host *check.Host) []string {
	keys := []string{
		// The kubelet sets these (setupKernelTunables of its container manager).
		"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
		"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
		// kube-proxy sets these (its conntrack tuning).
		"net/netfilter/nf_conntrack_max", "net/netfilter/nf_conntrack_tcp_be_liberal",
		"net/netfilter/nf_conntrack_tcp_timeout_established", "net/netfilter/nf_conntrack_tcp_timeout_close_wait",
		"net/netfilter/nf_conntrack_udp_timeout", "net/netfilter/nf_conntrack_udp_timeout_stream",
		// The kernel changes these when ip_forward changes.
		"net/ipv4/conf/all/accept_redirects", "net/ipv4/conf/default/accept_redirects",
	}
	// Interfaces take these from "default", which dualstrap sets, when the host reboots.
	for i := range host.Facts.Links {
		in := "/" + host.Facts.Links[i].Name + "/"
		keys = append(keys, "net/ipv4/conf"+in+"rp_filter", "net/ipv4/conf"+in+"send_redirects")
	}
	return slices.DeleteFunc(keys, func(key string) bool { return isShared(host, key) })
}

// isShared reports whether other hosts share a sysctl with this host: a host that is a container has only a network
// namespace of its own.
func isShared(host *check.Host, key string) bool {
	return host.Facts.Container != "" && !strings.HasPrefix(key, "net/")
}

// sysctlsOf parses the sysctls in a rendered file. Values in the limits file are minimums: a higher value on the host
// stays.
func sysctlsOf(host *check.Host, file render.File) ([]change.Sysctl, error) {
	sysctls, err := change.ParseSysctls(file.Content)
	for i := range sysctls {
		sysctls[i].Shared = isShared(host, sysctls[i].Key)
		sysctls[i].Least = file.Path == render.LimitsFile
	}
	return sysctls, err
}
