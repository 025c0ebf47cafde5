package hostprep

import (
	"fmt"
	"net/netip"
	"slices"
)

func portChecks() []Check {
	return allIfReachable([]Check{{
		"ports", "The ports that the node's role listens on are free.",
		"stop the program, or have it listen elsewhere", checkPorts,
	}})
}

// port is one that a node's programs listen on.
type port struct {
	network string
	number  int
	// address is where; everywhere when it is invalid.
	address netip.Addr
	program string
}

func loopback() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }

// ports are those that a node of the role listens on.
func (s *subject) ports() []port {
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
	if s.Balancer && cluster.Bundled {
		ports = append(ports,
			port{"tcp", int(cluster.Endpoint.Port()), cluster.Endpoint.Addr(), "HAProxy"},
			port{"tcp", 11000, loopback(), "HAProxy's health"},
		)
	}
	if s.ServesLoadBalancers && cluster.Bundled {
		ports = append(ports,
			port{"tcp", 7946, everywhere, "MetalLB"},
			port{"udp", 7946, everywhere, "MetalLB"},
			port{"tcp", 7472, everywhere, "MetalLB's metrics"},
		)
	}
	return ports
}

// meets reports whether a listener keeps a program from a port.
func (l Listener) meets(p port) bool {
	everywhere := func(a netip.Addr) bool { return !a.IsValid() || a.IsUnspecified() }
	return l.Network == p.network && l.Port == p.number &&
		(everywhere(l.Address) || everywhere(p.address) || l.Address == p.address)
}

// isOfNode reports whether a program is one that runs on a node, by its name as the kernel cuts it. A
// program without a name runs in a container, whose processes ss does not see.
func isOfNode(process string) bool {
	return slices.Contains([]string{
		"", "kubelet", "kube-apiserver", "kube-controller", "kube-scheduler", "kube-proxy", "etcd",
		"haproxy", "keepalived", "dualstrap", "speaker", "controller",
	}, process)
}

func checkPorts(s *subject) verdict {
	var taken, nodePorts []string
	needed := s.ports()
	for _, listener := range s.Facts.Listeners {
		if s.belongs == Ours && isOfNode(listener.Process) {
			continue
		}
		if listener.isNodePort() {
			nodePorts = append(nodePorts, listener.String())
		}
		for _, p := range needed {
			if listener.meets(p) {
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

// isNodePort reports whether the port is one that Services of type NodePort get.
func (l Listener) isNodePort() bool {
	return l.Port >= 30000 && l.Port <= 32767 && !l.Address.IsLoopback()
}

// String says who has which port.
func (l Listener) String() string {
	who := l.Process
	if who == "" {
		who = "a program"
	}
	return fmt.Sprintf("%s has port %d/%s", who, l.Port, l.Network)
}
