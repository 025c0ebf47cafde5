package proof

import (
	"crypto/rand"
	"fmt"
	"net/netip"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/kube"
)

// Cluster is the cluster to prove, and the means to do so.
type Cluster struct {
	// Config and Plan are those of the manifests, which the cluster must match.
	Config *api.Config
	Plan   *api.Plan
	// Hosts are in the order of the plan and include their facts.
	Hosts []check.Host
	// Present holds the cluster's nodes, whether they are in the plan or not.
	Present []kube.Node
	API     *kube.Client
	// Admin authenticates to API servers that are reached through Connections rather than API.
	Admin kube.Admin
	// Connections connects to hosts, and through them to what they reach.
	Connections remote.Hosts
	// Bundle contains the server that the client runs. If it is nil, checks in which pods call the client are skipped.
	Bundle *bundle.Dir
}

// testbed is the cluster together with what the proof has created there.
type testbed struct {
	Cluster
	// namespace is that of the pods and Services of this proof.
	namespace string
	// forgeSecret is the secret path under which the pods accept orders to send packets with forged addresses. It keeps
	// others in the cluster from giving such orders.
	forgeSecret string
	// nodes are in the order of the plan.
	nodes []node
	// services holds what the API server reports about each Service, by name.
	services map[string]kube.Service
	// unserved holds the reasons why Services have no addresses, by name.
	unserved map[string]string
	// client is the zero value until startClient has run.
	client client
}

// node is a host of the plan, the Node that it has in the cluster, and the proof's pod on it.
type node struct {
	plan *api.PlanNode
	host *check.Host
	// labels are those that the manifests declare.
	labels map[string]string
	// live is the Node in the cluster, or nil if the host is not a node.
	live *kube.Node
	// pod is the zero value if the node has no pod of the proof.
	pod kube.Pod
}

// client is the host outside of the cluster from which checks are made.
type client struct {
	// address is that of the manifests, and the zero address if they name no client.
	address netip.Addr
	// why is the reason that the client cannot be used, and empty if it can.
	why string
	// own are all of its addresses. v4 and v6 are those on the nodes' L2, the zero address if it has none there.
	own    []netip.Addr
	v4, v6 netip.Addr
	// zone is its firewalld zone, and empty if firewalld does not run.
	zone string
	// port is that of its server. If no server runs, unserved is the reason.
	port     uint16
	unserved string
}

// address returns the address under which SSH reaches the host.
func (n *node) address() netip.Addr { return n.plan.Address }

// k8sIP returns the node's IPv4 address for Kubernetes, which may differ from that for SSH.
func (n *node) k8sIP() netip.Addr { return n.host.K8sIP }

// newTestbed combines what the plan, the manifests, the facts and the API server know about each node. Nodes and hosts
// are matched by their IPv4 addresses, because names are the hosts' own.
func newTestbed(cluster Cluster) *testbed {
	s := &testbed{
		Cluster: cluster, forgeSecret: rand.Text(), nodes: make([]node, len(cluster.Plan.Nodes)),
		services: map[string]kube.Service{}, unserved: map[string]string{},
	}
	live := map[netip.Addr]*kube.Node{}
	for i := range cluster.Present {
		// A Node without an IPv4 address is under the zero address, which no host has.
		live[cluster.Present[i].K8sIP] = &cluster.Present[i]
	}
	labels := map[netip.Addr]map[string]string{}
	// The plan does not contain labels.
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

// eachNode returns a subject for every node.
func eachNode(s *testbed) []subject {
	subjects := make([]subject, len(s.nodes))
	for i := range s.nodes {
		subjects[i] = subject{target: s.nodes[i].address().String(), node: &s.nodes[i]}
	}
	return subjects
}

// ring returns a subject for every node and the next one, so that each node calls once and is called once. The number
// of calls stays linear in the number of nodes. A single node has no peer.
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

// arrow returns the target of a call in the form FROM -> TO.
func arrow(from, to any) string { return fmt.Sprintf("%v -> %v", from, to) }

// once returns the subjects of a check that is about the cluster as a whole.
func once(target func(*testbed) string) func(*testbed) []subject {
	return func(s *testbed) []subject { return []subject{{target: target(s)}} }
}

// requireHost fails the check if the host cannot be used. A host that the manifests name must not be left out of the
// proof.
func requireHost(_ *testbed, on *subject) verdict {
	if on.node.host.Err != nil {
		return failed("%v", on.node.host.Err).withHint("see that the host is up, and log in with: ssh %s", on.node.address())
	}
	return verdict{}
}

// requireLiveNode fails the check if the host is not a node of the cluster.
func requireLiveNode(_ *testbed, on *subject) verdict {
	if on.node.live == nil {
		return failed("the cluster has no node with the address %s", on.node.k8sIP()).withHint("dualstrap create cluster makes the host a node")
	}
	return verdict{}
}

// requirePeer skips checks between nodes in a cluster with a single node.
func requirePeer(_ *testbed, on *subject) verdict {
	if on.peer == nil {
		return skipped("the cluster has one node only")
	}
	return verdict{}
}

// requirePod skips checks whose pods do not run. The check pod-ips fails for such pods.
func requirePod(_ *testbed, on *subject) verdict {
	for _, n := range []*node{on.node, on.peer} {
		if n != nil && !n.pod.Ready {
			return skipped("the pod on %s does not run", n.address())
		}
	}
	return verdict{}
}

// requireForger skips checks that need pods which can be ordered to send packets, and queried for those that they
// received.
func requireForger(_ *testbed, on *subject) verdict {
	if on.peer.host.Err != nil {
		return skipped("the pod on %s cannot be asked what it hears", on.peer.address())
	}
	if on.peer.live == nil || !hasBoth(on.node.pod.Addresses) || !hasBoth(on.peer.pod.Addresses) {
		return skipped("the pods on %s and %s do not both have an address of each family", on.node.address(), on.peer.address())
	}
	return verdict{}
}

// requireService fails the check if the Service has no addresses.
func requireService(s *testbed, on *subject) verdict {
	if why := s.unserved[on.service]; why != "" {
		return failed("%s", why)
	}
	return verdict{}
}

// requireClient skips checks that need a host outside of the cluster.
func requireClient(s *testbed, _ *subject) verdict {
	if s.client.why != "" {
		return skipped("%s", s.client.why).
			withHint("name a host on the nodes' L2 that is not a node, in verify.client.address of ProvisionOptions")
	}
	return verdict{}
}

// requireListener skips checks in which pods call the client, if no server runs there.
func requireListener(s *testbed, on *subject) verdict {
	if on.outward && s.client.unserved != "" {
		return skipped("%s", s.client.unserved)
	}
	return verdict{}
}

// requireBundledNetwork skips checks of what dualstrap's own pod network guarantees, if another one is installed.
func requireBundledNetwork(s *testbed, _ *subject) verdict {
	if !s.Config.Network.Builtin {
		return skipped("the pod network is not dualstrap's (network.provider: none)")
	}
	return verdict{}
}
