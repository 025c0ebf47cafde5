package provision

import (
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep"
	"github.com/dualstrap/dualstrap/hostprep/change"
	"github.com/dualstrap/dualstrap/render"
)

// baseline is what a node's programs change that nobody asks for by name: reset goes back to it.
func baseline(host *hostprep.Host) change.Baseline {
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
		trees = append(trees, change.Tree{Path: "/var/lib/etcd", Copy: true})
	}
	var zones []string
	if host.Facts.Units["firewalld"].Active {
		zones = []string{host.Facts.Firewalld.DefaultZone}
	}
	return change.Baseline{Trees: trees, Tables: true, Zones: zones, Sysctls: baselineSysctls(host)}
}

// baselineSysctls are settings of the kernel that a node's programs make by themselves.
func baselineSysctls(host *hostprep.Host) []string {
	keys := []string{
		// The kubelet's (setupKernelTunables of its container manager).
		"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
		"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
		// kube-proxy's (its conntrack tuning).
		"net/netfilter/nf_conntrack_max", "net/netfilter/nf_conntrack_tcp_be_liberal",
		"net/netfilter/nf_conntrack_tcp_timeout_established", "net/netfilter/nf_conntrack_tcp_timeout_close_wait",
		"net/netfilter/nf_conntrack_udp_timeout", "net/netfilter/nf_conntrack_udp_timeout_stream",
		// What the kernel changes along with ip_forward.
		"net/ipv4/conf/all/accept_redirects", "net/ipv4/conf/default/accept_redirects",
	}
	// What interfaces take over from "default" when the host starts again.
	for i := range host.Facts.Links {
		in := "/" + host.Facts.Links[i].Name + "/"
		keys = append(keys, "net/ipv4/conf"+in+"rp_filter", "net/ipv4/conf"+in+"send_redirects")
	}
	return slices.DeleteFunc(keys, func(key string) bool { return isShared(host, key) })
}

// isShared reports whether a setting of the kernel is not the host's alone: it is a container, and only the
// network is its own.
func isShared(host *hostprep.Host, key string) bool {
	return host.Facts.Container != "" && !strings.HasPrefix(key, "net/")
}

// sysctlsOf are the settings of the kernel in a file for a host.
func sysctlsOf(host *hostprep.Host, file render.File) ([]change.Sysctl, error) {
	sysctls, err := change.ParseSysctls(file.Content)
	for i := range sysctls {
		sysctls[i].Shared = isShared(host, sysctls[i].Key)
		sysctls[i].Least = file.Path == render.LimitsFile
	}
	return sysctls, err
}
