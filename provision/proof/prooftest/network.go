package prooftest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/internal/certtest"
)

// Network is a cluster and the host outside of it. Change its fields before a proof begins.
type Network struct {
	// Config and Plan are those of the manifests.
	Config *api.Config
	Plan   *api.Plan
	// Nodes are the cluster's hosts, in the order of the plan. The first one is the control plane.
	Nodes []*Node
	// Client is the host outside of the cluster.
	Client *Client
	// API is the API server with the controllers of the cluster.
	API *APIServer
	DNS DNS
	VIP VIP
	// Balancer is the announcement of load balancer addresses.
	Balancer Balancer
	// Bundle contains the program that the client serves with.
	Bundle *bundle.Dir
	// CA is the cluster's certificate authority.
	CA certtest.Authority

	tb testing.TB
	// tasks are those of controllers and kubelets.
	tasks sync.WaitGroup

	mu sync.Mutex // guards what follows
	// pods are those that run, services those that exist.
	pods     []*pod
	services []*service
	// servers are those that listen, by owner and port.
	servers map[socket]*server
	// turns holds how often a party has called a Service's address, so that each of its pods has its turn.
	turns map[string]int
	// issued is the number of pods that a node has started so far, by name. It makes their addresses unique.
	issued map[string]int
}

// Host is a machine on the L2.
type Host struct {
	Name       string
	IPv4, IPv6 netip.Addr
	// Unreachable hosts do not answer at all.
	Unreachable bool
	// RefusesForwarding is set for an SSH server that does not let its clients connect further.
	RefusesForwarding bool
}

// address returns the host's address of a family.
func (h *Host) address(family api.Family) netip.Addr {
	if family == api.IPv4 {
		return h.IPv4
	}
	return h.IPv6
}

// Families is a set of address families.
type Families map[api.Family]bool

// Node is a host of the cluster.
type Node struct {
	Host

	// PodCIDRs are those that the manifests' plan gives to the node.
	PodCIDRs []netip.Prefix
	// PodsFrom is where the node's CNI takes the addresses of pods from. It has a range of each family.
	PodsFrom []netip.Prefix
	// Masquerades has the families in which pods call hosts outside of the cluster with the node's address, and
	// MasqueradesAll those in which they call everything so.
	Masquerades, MasqueradesAll Families
	// LacksRoutes has the families in which the node does not know the way to the pods of other nodes.
	LacksRoutes Families
	// LacksNeighbors is set if the node does not answer for the IPv6 addresses of its pods on the L2.
	LacksNeighbors bool
	// LacksServices has the families in which kube-proxy has no rules.
	LacksServices Families
	// DropsInbound has the families in which a firewall drops what comes from other hosts to pods of the node.
	DropsInbound Families
	// Wrap changes how the server in the node's pods answers.
	Wrap func(http.Handler) http.Handler
	// WithoutResolver is set if the pods' resolv.conf names no server that answers, and Wildcard if the server gives every
	// name the address of a host that is not of the cluster.
	WithoutResolver, Wildcard bool
	// RPFilter is whether firewalld drops packets by their reverse path: by its running rules, and by its configuration.
	RPFilter struct{ Running, InFile bool }

	// Guard treats the packets that pods of the node send.
	Guard Guard
	// Kubelet shows a certificate to clients.
	Kubelet Kubelet

	dropped, asked uint64 // guarded by the network's lock
}

// Guard is how the agent of a node treats packets of pods.
type Guard struct {
	// Lets has the families in which forged packets pass.
	Lets Families
	// Before is the number of packets that the agent has dropped before the proof.
	Before uint64
	// Uncounted is set if the agent does not count what it drops, and DropsOwn if it drops packets that are not forged, too.
	Uncounted, DropsOwn bool
	// WithoutMetrics is set for an agent that does not know the counter, Silent for one that does not answer.
	WithoutMetrics, Silent bool
	// Restarts is set if the agent restarts after it was asked once, and so counts from zero again.
	Restarts bool
	// NoRawSockets is set for a container runtime that does not give raw sockets to pods.
	NoRawSockets bool
}

// Kubelet is how a kubelet serves.
type Kubelet struct {
	// Authority signs its certificate, for Names. A kubelet without names does not listen.
	Authority certtest.Authority
	Names     []string
	// Distrusted is set if the API server does not accept the certificate.
	Distrusted bool
}

// VIP is how the control plane's address is served.
type VIP struct {
	// Authority signs the certificate for Names.
	Authority certtest.Authority
	Names     []string
	// Silent is set if no host has the address, and Unready if the API server behind it is not ready.
	Silent, Unready bool
}

// Balancer is how MetalLB answers for the addresses of load balancers.
type Balancer struct {
	// After is how long MetalLB needs to assign addresses.
	After time.Duration
	// Unassigned has the families in which Services get no address.
	Unassigned Families
	// Unannounced has the families in which no node answers for the addresses.
	Unannounced Families
	// Twice is set if Services get two IPv4 addresses instead of one of each family.
	Twice bool
	// Stranger is set if a host that is not of the cluster answers.
	Stranger bool
}

// DNS is how the cluster's DNS answers.
type DNS struct {
	// Lacks has the families of which there is no record, and Silent those of the Service's addresses at which nothing
	// answers.
	Lacks, Silent Families
	// Wrong is an address that is given in place of the one of its family.
	Wrong netip.Addr
}

// Prepare must be called once before the first network is made, outside of bubbles. The resolver of package net keeps the
// settings of this machine in a variable, which would belong to the first bubble otherwise.
func Prepare() {
	nowhere := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("there is no server")
	}}
	nowhere.LookupNetIP(context.Background(), "ip4", "settings.invalid.") //nolint:errcheck // it always fails
}

// New returns a healthy network. It must be called in a bubble, after [Prepare].
func New(tb testing.TB) *Network {
	tb.Helper()
	n := &Network{
		tb: tb, CA: certtest.New(tb), Config: newConfig(), Plan: &api.Plan{},
		servers: map[socket]*server{}, turns: map[string]int{}, issued: map[string]int{},
		DNS: DNS{Lacks: Families{}, Silent: Families{}}, Balancer: Balancer{After: time.Second, Unassigned: Families{}, Unannounced: Families{}},
	}
	for i := range n.Config.Pools {
		pool := &n.Config.Pools[i]
		for _, declared := range pool.Nodes {
			node := newNode(len(n.Nodes), declared.Address, n.CA)
			n.Nodes = append(n.Nodes, node)
			n.Plan.Nodes = append(n.Plan.Nodes, api.PlanNode{
				Address: declared.Address, Role: pool.Role, Pool: pool.Name, PodCIDRs: slices.Clone(node.PodCIDRs), ClusterCIDRConfig: "ranges",
			})
		}
	}
	n.VIP = VIP{Authority: n.CA, Names: []string{n.Config.LoadBalancer.ControlPlaneVIP.String()}}
	n.Client = &Client{
		Host:  Host{Name: "client", IPv4: n.Config.VerifyClient, IPv6: netip.MustParseAddr("fd12::3:1")},
		files: map[string]bool{}, opened: map[uint16]bool{},
	}
	n.Bundle = newBundle(tb)
	n.API = newAPIServer(n)
	tb.Cleanup(n.close)
	return n
}

// newNode returns a healthy node. number counts from 0.
func newNode(number int, address netip.Addr, authority certtest.Authority) *Node {
	node := &Node{
		Host: Host{
			Name: fmt.Sprintf("node-%d", number+1), IPv4: address,
			IPv6: netip.MustParseAddr(fmt.Sprintf("fd12::2:%x", address.As4()[3])),
		},
		PodCIDRs: []netip.Prefix{
			netip.MustParsePrefix(fmt.Sprintf("192.168.%d.0/24", number)),
			netip.MustParsePrefix(fmt.Sprintf("fd12::1:%x/120", number<<8)),
		},
		Masquerades: Families{api.IPv4: true}, MasqueradesAll: Families{}, LacksRoutes: Families{}, LacksServices: Families{},
		DropsInbound: Families{}, Guard: Guard{Lets: Families{}},
	}
	node.PodsFrom = slices.Clone(node.PodCIDRs)
	node.Kubelet = Kubelet{Authority: authority, Names: []string{node.Name, node.IPv4.String(), node.IPv6.String()}}
	return node
}

// Keep removes all nodes but the first ones from the manifests and from the cluster.
func (n *Network) Keep(count int) {
	n.tb.Helper()
	for _, node := range n.Nodes[count:] {
		n.Forget(node)
	}
	n.Nodes, n.Plan.Nodes = n.Nodes[:count], n.Plan.Nodes[:count]
	for i := range n.Config.Pools {
		pool := &n.Config.Pools[i]
		kept := min(len(pool.Nodes), count)
		pool.Nodes, count = pool.Nodes[:kept], count-kept
	}
}

// close ends all servers and their connections, and waits for everything that has a timeout.
func (n *Network) close() {
	n.mu.Lock()
	for _, server := range n.servers {
		server.close()
	}
	n.mu.Unlock()
	n.tasks.Wait()
	time.Sleep(connectTimeout)
	synctest.Wait()
}
