package build

import (
	"strings"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
)

// Versions of what is the same for every Kubernetes release.
const (
	containerdVersion = "v2.4.2"
	runcVersion       = "v1.5.2"
	cniVersion        = "v1.9.1"
)

// components lists what a bundle is made of, in the order in which it is built: what can fail for
// want of something on this machine comes first.
func components(release api.Release, dualstrapVersion string) []component {
	const (
		executable, image = bundle.KindExecutable, bundle.KindImage
		local, sbin, cni  = "/usr/local/bin/", "/usr/sbin/", "/opt/cni/bin/"
		nonroot           = "65532:65532"
	)
	every := []api.Role{api.RoleControlPlane, api.RoleLoadBalancer, api.RoleWorker}
	control := []api.Role{api.RoleControlPlane}
	// Without nodes for load balancing alone, the control plane's do it.
	balancing := []api.Role{api.RoleControlPlane, api.RoleLoadBalancer}
	// CoreDNS does not tolerate the taint of nodes for load balancing.
	pods := []api.Role{api.RoleControlPlane, api.RoleWorker}

	kubernetes := func(name string) program { return kubernetesProgram(release.Kubernetes, name) }
	containerd := func(name string) program {
		const module = "github.com/containerd/containerd/v2"
		return pinned("containerd-"+containerdVersion, module+"/cmd/"+name, module+"/version.Version="+containerdVersion)
	}
	plugin := func(name string) program {
		const module = "github.com/containernetworking/plugins"
		return pinned("cni-plugins-"+cniVersion, module+"/plugins/"+name, module+"/pkg/utils/buildversion.BuildVersion="+cniVersion)
	}
	metallb := func(name string) program {
		return pinned("metallb-"+api.MetalLBVersion, "go.universe.tf/metallb/"+name)
	}
	runc := program{
		origin: fromPin, pin: "runc-" + runcVersion, pkg: "github.com/opencontainers/runc",
		tags: "seccomp,osusergo,netgo", cgo: true,
	}
	pause := program{origin: fromPause, variables: []string{"main.version=" + api.PauseVersion}}
	etcd := pinned("etcd-"+release.Etcd, "go.etcd.io/etcd/server/v3")
	coredns := pinned("coredns-"+release.CoreDNS, "github.com/coredns/coredns")
	// keepalived looks up the user of its scripts, which are Bash's.
	users := []textFile{{"/etc/passwd", "root:x:0:0:root:/root:/bin/false\n"}, {"/etc/group", "root:x:0:\n"}}

	return []component{
		{kind: image, name: "haproxy", version: api.HAProxyVersion, roles: balancing, path: sbin + "haproxy", packaged: []string{sbin + "haproxy"}, seconds: 2},
		{
			kind: image, name: "keepalived", version: api.KeepalivedVersion, roles: balancing, path: sbin + "keepalived",
			packaged: []string{sbin + "keepalived", "/bin/bash"}, files: users, seconds: 4,
		},
		{kind: image, name: "dualstrap", version: dualstrapVersion, roles: every, program: program{origin: fromSelf}, path: local + "dualstrap", seconds: 2},
		{kind: image, name: "pause", version: api.PauseVersion, roles: every, program: pause, path: local + "pause", user: nonroot, seconds: 30},
		{kind: executable, name: "runc", version: runcVersion, roles: every, program: runc, path: local + "runc", seconds: 60},
		{kind: executable, name: "ptp", version: cniVersion, roles: every, program: plugin("main/ptp"), path: cni + "ptp", seconds: 30},
		{kind: executable, name: "host-local", version: cniVersion, roles: every, program: plugin("ipam/host-local"), path: cni + "host-local", seconds: 3},
		{kind: executable, name: "loopback", version: cniVersion, roles: every, program: plugin("main/loopback"), path: cni + "loopback", seconds: 3},
		{kind: executable, name: "portmap", version: cniVersion, roles: every, program: plugin("meta/portmap"), path: cni + "portmap", seconds: 3},
		{kind: executable, name: "ctr", version: containerdVersion, roles: every, program: containerd("ctr"), path: local + "ctr", seconds: 120},
		{
			kind: executable, name: "containerd-shim-runc-v2", version: containerdVersion, roles: every,
			program: containerd("containerd-shim-runc-v2"), path: local + "containerd-shim-runc-v2", seconds: 10,
		},
		{kind: executable, name: "containerd", version: containerdVersion, roles: every, program: containerd("containerd"), path: local + "containerd", seconds: 60},
		{kind: image, name: "etcd", version: release.Etcd, roles: control, program: etcd, path: local + "etcd", seconds: 60},
		{kind: executable, name: "kubeadm", version: release.Kubernetes, roles: every, program: kubernetes("kubeadm"), path: local + "kubeadm", seconds: 250},
		{kind: executable, name: "kubectl", version: release.Kubernetes, roles: control, program: kubernetes("kubectl"), path: local + "kubectl", seconds: 40},
		{kind: executable, name: "kubelet", version: release.Kubernetes, roles: every, program: kubernetes("kubelet"), path: local + "kubelet", seconds: 120},
		{
			kind: image, name: "kube-proxy", version: release.Kubernetes, roles: every, program: kubernetes("kube-proxy"), path: local + "kube-proxy",
			packaged: []string{sbin + "nft"}, seconds: 30,
		},
		{
			kind: image, name: "kube-apiserver", version: release.Kubernetes, roles: control,
			program: kubernetes("kube-apiserver"), path: local + "kube-apiserver", seconds: 120,
		},
		{
			kind: image, name: "kube-controller-manager", version: release.Kubernetes, roles: control,
			program: kubernetes("kube-controller-manager"), path: local + "kube-controller-manager", seconds: 90,
		},
		{
			kind: image, name: "kube-scheduler", version: release.Kubernetes, roles: control,
			program: kubernetes("kube-scheduler"), path: local + "kube-scheduler", seconds: 40,
		},
		{kind: image, name: "coredns", version: release.CoreDNS, roles: pods, program: coredns, path: local + "coredns", user: nonroot, seconds: 150},
		{kind: image, name: "metallb-controller", version: api.MetalLBVersion, roles: every, program: metallb("controller"), path: local + "controller", seconds: 150},
		{kind: image, name: "metallb-speaker", version: api.MetalLBVersion, roles: balancing, program: metallb("speaker"), path: local + "speaker", seconds: 20},
	}
}

// pinned is a program of a pinned module that the linker tells its version.
func pinned(pin, pkg string, variables ...string) program {
	return program{origin: fromPin, pin: pin, pkg: pkg, variables: variables}
}

// kubernetesProgram knows where Kubernetes' programs keep their version.
func kubernetesProgram(version, name string) program {
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	var variables []string
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		variables = append(variables, pkg+".gitVersion="+version, pkg+".gitMajor="+major, pkg+".gitMinor="+minor, pkg+".gitTreeState=archive")
	}
	return pinned("kubernetes-"+version, "k8s.io/kubernetes/cmd/"+name, variables...)
}
