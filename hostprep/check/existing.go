package check

import (
	"maps"
	"slices"
	"strings"
)

// containerdUnit is the path of dualstrap's unit file for containerd. Packages of distributions install theirs below
// /lib or /usr/lib, so the path tells them apart.
const containerdUnit = "/etc/systemd/system/containerd.service"

// existingChecks returns the checks for software and leftovers that conflict with a node.
func existingChecks() []Check {
	return allIfReachable([]Check{
		{
			"other-cluster", "The host is not a node of another cluster.",
			"take another host, or reset this one with the tool and the manifests of its cluster", checkOtherCluster,
		},
		{
			"leftovers", "Nothing is left of another cluster.",
			"reset it with the tool that made it, such as kubeadm reset, and remove what stays", checkLeftovers,
		},
		{
			"container-runtime", "No other container runtime runs, and no containerd but dualstrap's.",
			"stop and remove it, as in: apt-get remove docker.io containerd", checkRuntime,
		},
	})
}

// distributions maps the units of other Kubernetes distributions to their names.
func distributions() map[string]string {
	return map[string]string{
		"k3s": "k3s", "k3s-agent": "k3s", "rke2-server": "RKE2", "rke2-agent": "RKE2",
		"k0scontroller": "k0s", "k0sworker": "k0s", "snap.microk8s.daemon-kubelite": "MicroK8s",
	}
}

// checkOtherCluster decides by the units of other distributions, by the API server that the kubelet is configured for,
// by the cluster that dualstrap prepared the host for, and by the certificate authority.
func checkOtherCluster(s *subject) verdict {
	known := distributions()
	// Sorted, so that a host with several of them has the same message in every run.
	for _, unit := range slices.Sorted(maps.Keys(known)) {
		if s.Facts.Units[unit].Active {
			return failed("it is a node of %s", known[unit]).withHint("remove it with its own uninstaller, or take another host")
		}
	}
	member, cluster := s.Facts.Membership, s.fleet.cluster
	switch s.ownership {
	case Foreign:
		return s.checkForeign()
	case Ours:
		if s.isOutvoted() {
			return failed("it is a node of another cluster at %s: its certificate authority differs from that of the others", cluster.Endpoint)
		}
		if member.Server == "" {
			return passed("it was prepared for this cluster before")
		}
		return passed("it is a node of this cluster")
	default:
		return passed("it is not a node of any cluster")
	}
}

// checkForeign returns the verdict about a host of another cluster: which one it is, and how to reset the host. Only a
// cluster that dualstrap made can be reset with dualstrap.
func (s *subject) checkForeign() verdict {
	member, cluster := s.Facts.Membership, s.fleet.cluster
	const reset = "reset it with that cluster's manifests: dualstrap reset nodes -f MANIFESTS --addresses "
	switch {
	case member.Server != "" && !member.Prepared:
		return failed("it is a node of the cluster at %s, which dualstrap did not make", member.Server)
	case member.CAHash != "" && cluster.CAHash != "" && member.CAHash != cluster.CAHash:
		return failed("it is a node of another cluster at %s: its certificate authority is a different one", cluster.Endpoint).
			withHint(reset+"%s", s.Address)
	case member.Server != "":
		return failed("it is a node of the cluster at %s", member.Server).withHint(reset+"%s", s.Address)
	default:
		return failed("dualstrap prepared it for the cluster at %s", member.PreparedFor).withHint(reset+"%s", s.Address)
	}
}

// isOutvoted reports whether the host's certificate authority differs from that of most nodes, while the right one is
// not known. In a tie between hosts that all differ, each of them is outvoted.
func (s *subject) isOutvoted() bool {
	hash := s.Facts.Membership.CAHash
	if hash == "" || s.fleet.cluster.CAHash != "" {
		return false
	}
	most := 0 // the number of hosts with the most common certificate authority
	for _, hosts := range s.fleet.byCAHash {
		most = max(most, len(hosts))
	}
	ours := len(s.fleet.byCAHash[hash])
	return len(s.fleet.byCAHash) > 1 && (ours < most || most == 1)
}

// cniConfigs is the directory of the configurations of pod networks. Of those, Facts.Present has the ones that would be used
// instead of dualstrap's.
const cniConfigs = "/etc/cni/net.d/"

// leftoverPaths lists directories that only contain something if the host is or was a node of a cluster.
func leftoverPaths() []string {
	return []string{
		"/etc/kubernetes", "/var/lib/etcd", "/var/lib/kubelet", "/var/lib/cni",
		"/etc/rancher", "/var/lib/rancher", "/var/lib/k0s", "/var/snap/microk8s",
	}
}

// podNetworkLinks lists the names, or prefixes of names, of interfaces that pod networks create.
func podNetworkLinks() []string {
	return []string{"cni0", "flannel.", "cilium_", "cali", "vxlan.calico", "kube-ipvs0", "kube-bridge", "weave", "antrea-gw", "ovn-k8s"}
}

// checkLeftovers looks for directories, a running kubelet and interfaces of an earlier cluster.
func checkLeftovers(s *subject) verdict {
	switch s.ownership {
	case Ours:
		return passed("all of it is this cluster's")
	case Foreign:
		return doesNotApply() // another cluster uses them; the check other-cluster reports that
	}
	var left []string
	for _, path := range leftoverPaths() {
		if s.Facts.Present[path] {
			left = append(left, path)
		}
	}
	var findings []verdict
	if len(left) > 0 {
		findings = append(findings, failed("found files in %s", formatList(left)).
			withHint("reset it with the tool that made it, such as kubeadm reset, then: rm -rf %s", strings.Join(left, " ")))
	}
	for _, path := range slices.Sorted(maps.Keys(s.Facts.Present)) {
		if strings.HasPrefix(path, cniConfigs) {
			findings = append(findings, failed("%s configures another pod network", path).
				withHint("remove that pod network with the tool that made it, or move the file to another directory"))
		}
	}
	if s.Facts.Units["kubelet"].Active {
		findings = append(findings, failed("a kubelet runs").withHint("systemctl disable --now kubelet"))
	}
	if links := s.podNetworks(); len(links) > 0 {
		findings = append(findings, failed("a pod network left %s", formatList(links)).withHint("reboot, or: ip link delete %s", links[0]))
	}
	return combine(passed("nothing is left of a cluster"), findings)
}

// podNetworks returns the host's interfaces that a pod network has created.
func (s *subject) podNetworks() []string {
	var links []string
	for _, link := range s.Facts.Links {
		isPodNetwork := func(name string) bool { return strings.HasPrefix(link.Name, name) }
		if slices.ContainsFunc(podNetworkLinks(), isPodNetwork) {
			links = append(links, link.Name)
		}
	}
	return links
}

// checkRuntime fails for programs that conflict with dualstrap's: another containerd would lose its configuration,
// Docker's firewall rules drop packets that are forwarded to pods, and CRI-O brings a pod network of its own.
func checkRuntime(s *subject) verdict {
	units := s.Facts.Units
	var findings []verdict
	if unit := units["containerd"]; unit.Path != "" && unit.Path != containerdUnit {
		if unit.Active {
			findings = append(findings, failed("another containerd is running, from %s", unit.Path))
		} else {
			findings = append(findings, warning("another containerd is installed with %s, and dualstrap's takes its place", unit.Path))
		}
	}
	for _, other := range []struct{ unit, name string }{{"docker", "Docker"}, {"crio", "CRI-O"}, {"cri-docker", "cri-dockerd"}} {
		switch unit, known := units[other.unit]; {
		case unit.Active:
			findings = append(findings, failed("%s runs", other.name))
		// After a reboot, an enabled one would conflict as much as one that runs now.
		case known && unit.Enabled:
			findings = append(findings, failed("%s is stopped, but starts at the next boot", other.name))
		case known:
			findings = append(findings, warning("%s is installed", other.name))
		}
	}
	return combine(passed("no other container runtime is there"), findings)
}
