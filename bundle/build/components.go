package build

import (
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
)

// Versions of components that are the same for every Kubernetes release.
const (
	// Each version needs a pin of the same name below pins.
	containerdVersion = "v2.4.2"
	runcVersion       = "v1.5.2"
	cniVersion        = "v1.9.1"
)

// Directories of programs.
const (
	localBin  = "/usr/local/bin/"
	systemBin = "/usr/sbin/"
	cniBin    = "/opt/cni/bin/"
)

// nonroot is the user of images whose programs need no privileges.
const nonroot = "65532:65532"

// everyNode returns the roles of components that all nodes need.
func everyNode() []api.Role {
	return []api.Role{api.RoleControlPlane, api.RoleLoadBalancer, api.RoleWorker}
}

// controlPlane returns the roles of components that run on control plane nodes only.
func controlPlane() []api.Role { return []api.Role{api.RoleControlPlane} }

// loadBalancing returns the roles of components of the load balancers, which run on control plane nodes unless the
// cluster has dedicated load balancer nodes.
func loadBalancing() []api.Role { return []api.Role{api.RoleControlPlane, api.RoleLoadBalancer} }

// untainted returns the roles of nodes on which CoreDNS can run. It does not tolerate the taint of load balancer nodes.
func untainted() []api.Role { return []api.Role{api.RoleControlPlane, api.RoleWorker} }

// components returns the components of a bundle, in build order. Components that are likely to fail because of this
// machine come first: packages may be missing.
func components(release api.Release, dualstrapVersion string) []component {
	return slices.Concat(
		packagedComponents(),
		[]component{{
			kind: bundle.KindImage, name: "dualstrap", version: dualstrapVersion, roles: everyNode(),
			program: program{origin: fromSelf}, path: localBin + "dualstrap", seconds: 4,
		}},
		runtimeComponents(),
		kubernetesComponents(release),
		addonComponents(release),
	)
}

// packagedComponents returns the images whose programs come from packages of the distribution.
func packagedComponents() []component {
	return []component{
		{
			kind: bundle.KindImage, name: "haproxy", version: api.HAProxyVersion, roles: loadBalancing(), path: systemBin + "haproxy",
			packaged: []string{systemBin + "haproxy"}, seconds: 40,
		},
		{
			kind: bundle.KindImage, name: "keepalived", version: api.KeepalivedVersion, roles: loadBalancing(), path: systemBin + "keepalived",
			packaged: []string{systemBin + "keepalived", "/bin/bash"},
			// keepalived looks up the user of its check scripts, which run in Bash.
			files:   []textFile{{"/etc/passwd", "root:x:0:0:root:/root:/bin/false\n"}, {"/etc/group", "root:x:0:\n"}},
			seconds: 4,
		},
	}
}

// runtimeComponents returns what is needed to run containers, and dualstrap's own small images.
func runtimeComponents() []component {
	own := func(name, version string, seconds int) component {
		return component{
			kind: bundle.KindImage, name: name, version: version, roles: everyNode(), path: localBin + name, user: nonroot,
			program: program{origin: fromOwn, pin: name, variables: []string{"main.version=" + version}}, seconds: seconds,
		}
	}
	runc := component{
		kind: bundle.KindExecutable, name: "runc", version: runcVersion, roles: everyNode(), path: localBin + "runc",
		program: program{
			origin: fromPin, pin: "runc-" + runcVersion, pkg: "github.com/opencontainers/runc",
			tags: "seccomp,osusergo,netgo", cgo: true,
		},
		seconds: 60,
	}
	plugin := func(name, dir string, seconds int) component {
		const module = "github.com/containernetworking/plugins"
		return component{
			kind: bundle.KindExecutable, name: name, version: cniVersion, roles: everyNode(), path: cniBin + name, seconds: seconds,
			program: pinned("cni-plugins-"+cniVersion, module+"/plugins/"+dir+"/"+name,
				module+"/pkg/utils/buildversion.BuildVersion="+cniVersion),
		}
	}
	containerd := func(name string, seconds int) component {
		const module = "github.com/containerd/containerd/v2"
		return component{
			kind: bundle.KindExecutable, name: name, version: containerdVersion, roles: everyNode(), path: localBin + name, seconds: seconds,
			program: pinned("containerd-"+containerdVersion, module+"/cmd/"+name, module+"/version.Version="+containerdVersion),
		}
	}
	return []component{
		own("pause", api.PauseVersion, 30),
		own("hello", api.HelloVersion, 20),
		runc,
		plugin("ptp", "main", 30),
		plugin("host-local", "ipam", 3),
		plugin("loopback", "main", 3),
		plugin("portmap", "meta", 3),
		containerd("ctr", 120),
		containerd("containerd-shim-runc-v2", 10),
		containerd("containerd", 60),
	}
}

// kubernetesComponents returns the programs of Kubernetes itself, and the release's etcd.
func kubernetesComponents(release api.Release) []component {
	of := func(kind, name string, roles []api.Role, seconds int) component {
		return component{
			kind: kind, name: name, version: release.Kubernetes, roles: roles, path: localBin + name, seconds: seconds,
			program: kubernetesProgram(release.Kubernetes, name),
		}
	}
	proxy := of(bundle.KindImage, "kube-proxy", everyNode(), 30)
	proxy.packaged = []string{systemBin + "nft"}
	// Without this file nft lists protocols as numbers. A restarted kube-proxy does not recognize such elements of its
	// sets, deletes them as stale, and thereby deletes its own elements of the same value: no Service works anymore.
	proxy.files = []textFile{{"/etc/protocols", "tcp 6 TCP\nudp 17 UDP\nsctp 132 SCTP\n"}}
	return []component{
		{
			kind: bundle.KindImage, name: "etcd", version: release.Etcd, roles: controlPlane(), path: localBin + "etcd",
			program: pinned("etcd-"+release.Etcd, "go.etcd.io/etcd/server/v3"), seconds: 60,
		},
		of(bundle.KindExecutable, "kubeadm", everyNode(), 250),
		of(bundle.KindExecutable, "kubectl", controlPlane(), 40),
		of(bundle.KindExecutable, "kubelet", everyNode(), 120),
		proxy,
		of(bundle.KindImage, "kube-apiserver", controlPlane(), 120),
		of(bundle.KindImage, "kube-controller-manager", controlPlane(), 90),
		of(bundle.KindImage, "kube-scheduler", controlPlane(), 40),
	}
}

// addonComponents returns the images of pods that every cluster runs.
func addonComponents(release api.Release) []component {
	metallb := func(name string, roles []api.Role, seconds int) component {
		return component{
			kind: bundle.KindImage, name: "metallb-" + name, version: api.MetalLBVersion, roles: roles, path: localBin + name, seconds: seconds,
			program: pinned("metallb-"+api.MetalLBVersion, "go.universe.tf/metallb/"+name),
		}
	}
	return []component{
		{
			kind: bundle.KindImage, name: "coredns", version: release.CoreDNS, roles: untainted(), path: localBin + "coredns", user: nonroot,
			program: pinned("coredns-"+release.CoreDNS, "github.com/coredns/coredns"), seconds: 150,
		},
		metallb("controller", everyNode(), 150),
		metallb("speaker", loadBalancing(), 20),
	}
}

// pinned returns a program of a pinned module. variables are set by the linker, such as the program's version.
func pinned(pin, pkg string, variables ...string) program {
	return program{origin: fromPin, pin: pin, pkg: pkg, variables: variables}
}

// kubernetesProgram returns a program of Kubernetes, with the linker's variables that hold its version.
func kubernetesProgram(version, name string) program {
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	var variables []string
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		variables = append(variables, pkg+".gitVersion="+version, pkg+".gitMajor="+major, pkg+".gitMinor="+minor, pkg+".gitTreeState=archive")
	}
	return pinned("kubernetes-"+version, "k8s.io/kubernetes/cmd/"+name, variables...)
}
