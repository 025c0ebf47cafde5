package proof

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/hostprep"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/kube"
)

// Hosts lead to hosts, and over hosts to what they reach.
type Hosts interface {
	Host(ctx context.Context, address netip.Addr) (remote.Host, error)
	// Dial makes a connection from a host.
	Dial(ctx context.Context, host netip.Addr, to netip.AddrPort) (net.Conn, error)
}

// Cluster is what is to be proven, and the means to do it.
type Cluster struct {
	Config *api.Config
	Plan   *api.Plan
	// Hosts are in the order of the plan, with their facts.
	Hosts []hostprep.Host
	// Present are the cluster's nodes, whether planned or not.
	Present []kube.Node
	API     *kube.Client
	// Admin authenticates to API servers that are asked by other ways.
	Admin kube.Admin
	Ways  Hosts
	// Bundle has the server that the client runs; it may be nil.
	Bundle *bundle.Dir
}

// testbed is the cluster with what the proof has put there.
type testbed struct {
	Cluster
	namespace string
	// forgeWord is what pods are told by to forge addresses; nobody else knows it.
	forgeWord string
	// nodes are in the order of the plan.
	nodes    []node
	services map[string]kube.Service
	// unserved says why a Service is not there.
	unserved map[string]string
	client   client
}

// node is one host as a node.
type node struct {
	plan *api.PlanNode
	host *hostprep.Host
	// labels are those that the manifests give it.
	labels map[string]string
	// live is what the cluster says about it; nil when it has no such node.
	live *kube.Node
	pod  kube.Pod
}

// client is the host outside of the cluster.
type client struct {
	address netip.Addr
	// why it cannot be used; empty when it can.
	why string
	// own are all its addresses, v4 and v6 those on the nodes' L2, invalid where there is none.
	own    []netip.Addr
	v4, v6 netip.Addr
	// zone is the one of firewalld; empty where that does not run.
	zone string
	// port is where its server listens, and unserved why there is none.
	port     uint16
	unserved string
}

func (n *node) address() netip.Addr { return n.plan.Address }

// k8sIP is the node's IPv4 address for Kubernetes.
func (n *node) k8sIP() netip.Addr { return n.host.K8sIP }

// newTestbed brings together what is known of each node.
func newTestbed(cluster Cluster) *testbed {
	s := &testbed{
		Cluster: cluster, forgeWord: rand.Text(), nodes: make([]node, len(cluster.Plan.Nodes)),
		services: map[string]kube.Service{}, unserved: map[string]string{},
	}
	live := map[netip.Addr]*kube.Node{}
	for i := range cluster.Present {
		live[cluster.Present[i].K8sIP] = &cluster.Present[i]
	}
	labels := map[netip.Addr]map[string]string{}
	for i := range cluster.Config.Pools {
		pool := &cluster.Config.Pools[i]
		for j := range pool.Nodes {
			labels[pool.Nodes[j].Address] = cluster.Config.NodeLabels(pool, &pool.Nodes[j])
		}
	}
	for i := range s.nodes {
		n := &s.nodes[i]
		n.plan, n.host = &cluster.Plan.Nodes[i], &cluster.Hosts[i]
		n.labels, n.live = labels[n.address()], live[n.k8sIP()]
	}
	return s
}

// eachNode makes a subject of every node.
func eachNode(s *testbed) []subject {
	subjects := make([]subject, len(s.nodes))
	for i := range s.nodes {
		subjects[i] = subject{target: s.nodes[i].address().String(), node: &s.nodes[i]}
	}
	return subjects
}

// ring makes a subject of every node and the next one: each is called once, and calls once.
func ring(s *testbed) []subject {
	if len(s.nodes) == 1 {
		return eachNode(s)
	}
	subjects := make([]subject, len(s.nodes))
	for i := range s.nodes {
		from, to := &s.nodes[i], &s.nodes[(i+1)%len(s.nodes)]
		subjects[i] = subject{target: arrow(from.address(), to.address()), node: from, peer: to}
	}
	return subjects
}

func arrow(from, to any) string { return fmt.Sprintf("%v -> %v", from, to) }

// once is for checks that are about the cluster.
func once(target func(*testbed) string) func(*testbed) []subject {
	return func(s *testbed) []subject { return []subject{{target: target(s)}} }
}

// A host that the manifests name and that cannot be worked on is a failure, not something that is left
// out.
func requireHost(_ *testbed, on *subject) verdict {
	if on.node.host.Err != nil {
		return failed("%v", on.node.host.Err).withHint("see that the host is up, and log in with: ssh %s", on.node.address())
	}
	return verdict{}
}

func requireLiveNode(_ *testbed, on *subject) verdict {
	if on.node.live == nil {
		return failed("the cluster has no node with the address %s", on.node.k8sIP()).withHint("dualstrap create cluster makes the host a node")
	}
	return verdict{}
}

func requirePeer(_ *testbed, on *subject) verdict {
	if on.peer == nil {
		return skipped("the cluster has one node only")
	}
	return verdict{}
}

// requirePod asks for running pods: that they run is for another check.
func requirePod(_ *testbed, on *subject) verdict {
	for _, n := range []*node{on.node, on.peer} {
		if n != nil && !n.pod.Ready {
			return skipped("the pod on %s does not run", n.address())
		}
	}
	return verdict{}
}

// requireForger asks for pods that can be told to send, and asked what they have heard.
func requireForger(_ *testbed, on *subject) verdict {
	if on.peer.host.Err != nil {
		return skipped("the pod on %s cannot be asked what it hears", on.peer.address())
	}
	if on.peer.live == nil || len(on.node.pod.Addresses) == 0 || len(on.peer.pod.Addresses) == 0 {
		return skipped("the pods on %s and %s have no addresses", on.node.address(), on.peer.address())
	}
	return verdict{}
}

func requireService(s *testbed, on *subject) verdict {
	if why := s.unserved[on.service]; why != "" {
		return failed("%s", why)
	}
	return verdict{}
}

func requireClient(s *testbed, _ *subject) verdict {
	if s.client.why != "" {
		return skipped("%s", s.client.why).withHint("name a host on the nodes' L2 that is no node, in verify.client.address of ProvisionOptions")
	}
	return verdict{}
}

func requireListener(s *testbed, on *subject) verdict {
	if on.outward && s.client.unserved != "" {
		return skipped("%s", s.client.unserved)
	}
	return verdict{}
}

func requireBundledNetwork(s *testbed, _ *subject) verdict {
	if !s.Config.Network.Builtin {
		return skipped("the pod network is not dualstrap's (network.provider: none)")
	}
	return verdict{}
}
