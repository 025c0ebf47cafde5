package check

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/hostprep/facts"
)

// portChecks returns the check for ports that other programs occupy.
func portChecks() []Check {
	return allIfReachable([]Check{{
		"ports", "The ports that the node's role listens on are free.",
		"stop the program, or configure it to listen on another port", checkPorts,
	}})
}

// port is a port that one of a node's programs listens on.
type port struct {
	network string // tcp or udp
	number  int
	// address is the address that the program binds to; invalid for all addresses of both families.
	address netip.Addr
	program string
}

// loopback returns 127.0.0.1, where programs listen for the health checks and metrics of their own host.
func loopback() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }

// ports returns the ports that a node with the host's roles listens on.
func (s *subject) ports() []port {
	// Most of these are the defaults of Kubernetes and MetalLB, which dualstrap does not change.
	cluster, everywhere := s.fleet.cluster, netip.Addr{}
	ports := []port{
		{"tcp", 10250, everywhere, "the kubelet"},
		{"tcp", 10248, loopback(), "the kubelet's health"},
		{"tcp", 10256, everywhere, "kube-proxy's health"},
		{"tcp", 10249, loopback(), "kube-proxy's metrics"},
	}
	if cluster.Builtin {
		ports = append(ports, port{"tcp", 10271, everywhere, "the node agent"})
	}
	if s.ControlPlane {
		ports = append(ports,
			port{"tcp", cluster.APIServerPort, everywhere, "the API server"},
			port{"tcp", 2379, s.K8sIP, "etcd"},
			port{"tcp", 2379, loopback(), "etcd"},
			port{"tcp", 2380, s.K8sIP, "etcd"},
			port{"tcp", 2381, loopback(), "etcd's health"},
			port{"tcp", 10257, loopback(), "the controller manager"},
			port{"tcp", 10259, loopback(), "the scheduler"},
			port{"tcp", 10270, everywhere, "dualstrap's controller"},
		)
	}
	if s.Balancer {
		ports = append(ports,
			port{"tcp", int(cluster.Endpoint.Port()), cluster.Endpoint.Addr(), "HAProxy"},
			port{"tcp", 11000, loopback(), "HAProxy's health"},
		)
	}
	if s.ServesLoadBalancers {
		ports = append(ports,
			port{"tcp", 7946, everywhere, "MetalLB"},
			port{"udp", 7946, everywhere, "MetalLB"},
			port{"tcp", 7472, everywhere, "MetalLB's metrics"},
		)
	}
	return ports
}

// meets reports whether a port conflicts with a listener: both bind to the same address, or one of them to all.
func (p port) meets(l facts.Listener) bool {
	everywhere := func(a netip.Addr) bool { return !a.IsValid() || a.IsUnspecified() }
	return l.Network == p.network && l.Port == p.number &&
		(everywhere(l.Address) || everywhere(p.address) || l.Address == p.address)
}

// isOfNode reports whether a process is one of a node's own programs. The kernel truncates names to 15 characters. The
// name is empty for processes in containers, which ss does not see.
func isOfNode(process string) bool {
	// kube-controller is kube-controller-manager; speaker and controller are MetalLB's.
	return slices.Contains([]string{
		"", "kubelet", "kube-apiserver", "kube-controller", "kube-scheduler", "kube-proxy", "etcd",
		"haproxy", "keepalived", "dualstrap", "speaker", "controller",
	}, process)
}

// checkPorts fails for ports that the node's programs need, and warns about ports in the range of NodePorts: a Service
// may or may not get that very port. On a node of this cluster, the node's own programs do not count.
func checkPorts(s *subject) verdict {
	var taken, nodePorts []string
	needed := s.ports()
	for _, listener := range s.Facts.Listeners {
		if s.ownership == Ours && isOfNode(listener.Process) {
			continue
		}
		if isNodePort(listener) {
			nodePorts = append(nodePorts, listener.String())
		}
		for _, p := range needed {
			// One finding for each listener: etcd's port, for example, is needed at two addresses.
			if p.meets(listener) {
				taken = append(taken, fmt.Sprintf("%s, which %s needs", listener, p.program))
				break
			}
		}
	}
	var findings []verdict
	if len(taken) > 0 {
		findings = append(findings, failed("%s", formatList(taken)))
	}
	if len(nodePorts) > 0 {
		findings = append(findings, warning("%s, which a Service of type NodePort may get", formatList(nodePorts)))
	}
	return combine(passed("the ports are free"), findings)
}

// isNodePort reports whether a listener's port is in the default range of Services of type NodePort.
func isNodePort(l facts.Listener) bool {
	return l.Port >= 30000 && l.Port <= 32767 && !l.Address.IsLoopback()
}
