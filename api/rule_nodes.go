package api

import (
	"net/netip"

	v1 "github.com/dualstrap/dualstrap/api/v1"
)

// ruleNodeAddress reports malformed IPv4 addresses of nodes.
const ruleNodeAddress = "node-address"

// nodeRules returns the rules about nodes and the pools they are in.
func nodeRules() []rule {
	return []rule{
		newFormRule(ruleNodeAddress, fromDocumentation, "a node's address and k8sIP are IPv4 addresses",
			"give the host's IPv4 address; its IPv6 address is found on the host, or given in ProvisionOptions"),
		newRule("node-address-present", fromDocumentation, "every node has an address", checkNodeAddressPresent),
		newRule("node-unique", fromDocumentation, "every host is in one pool, once", checkNodesUnique),
		newRule("control-plane-odd", fromDocumentation, "the control plane has an odd number of nodes", checkControlPlaneOdd),
		newRule("pool-cluster", fromDocumentation, "clusterName is the name of the Cluster", checkPoolCluster),
		newRule("pool-name", fromDualstrap,
			"pool names fit into a label and differ from those of the control plane's and the load balancer's pool", checkPoolNames),
		ofCluster("load-balancer-nodes", fromDocumentation,
			"load balancer nodes are given only in mode bundled, and then at least one", checkLoadBalancerNodes),
		newRule("kubelet-config", fromKubernetes, "kubelet options are not negative", checkKubeletConfig),
	}
}

// checkNodeAddressPresent requires the address of every node. Unlike address, k8sIP is optional.
func checkNodeAddressPresent(c *checker) {
	for pool, spec := range c.poolSpecs {
		for i := range spec.Nodes {
			if spec.Nodes[i].Address != "" {
				continue
			}
			if at := pool.Nodes[i].Ref.field("address"); c.unreported(at) {
				c.errorf(at, "give the host's IPv4 address", "the node has no address")
			}
		}
	}
}

// poolSpecs iterates over every pool and the manifest that it was built from. The order must be that of newChecker.
func (c *checker) poolSpecs(yield func(*Pool, *v1.NodePoolSpec) bool) {
	var specs []*v1.NodePoolSpec
	if c.cluster != nil {
		spec := &c.cluster.Value.Spec
		specs = append(specs, &spec.ControlPlane.NodePoolSpec)
		if lb := spec.LoadBalancer.NodePoolSpec; lb != nil {
			specs = append(specs, lb)
		}
	}
	for i := range c.manifests.NodePools {
		specs = append(specs, &c.manifests.NodePools[i].Value.Spec)
	}
	for i, spec := range specs {
		if !yield(&c.config.Pools[i], spec) {
			return
		}
	}
}

// checkNodesUnique compares both addresses of every node with those of all others. Of two hosts with the same
// address only one can be reached, by SSH or by Kubernetes.
func checkNodesUnique(c *checker) {
	first := make(map[netip.Addr]Ref, len(c.spaces.nodes))
	claim := func(a netip.Addr, at Ref) {
		if !a.IsValid() {
			return
		}
		if other, taken := first[a]; taken {
			c.errorf(at, "a host can be listed only once, in one pool; remove one of the two",
				"%s is already the address of a node: %s", a, c.place(other, at))
			return
		}
		first[a] = at
	}
	for _, n := range c.nodes {
		claim(n.Address, n.Ref.field("address"))
		if n.K8sIP != n.Address {
			claim(n.K8sIP, n.Ref.field("k8sIP"))
		}
	}
}

// checkControlPlaneOdd requires an odd number of control plane nodes. An even number gives etcd one more host that
// can fail, and it still survives no more failures.
func checkControlPlaneOdd(c *checker) {
	for _, pool := range c.config.Pools {
		at := pool.Ref.field("nodes")
		if n := len(pool.Nodes); pool.Role == RoleControlPlane && n > 0 && n%2 == 0 && c.unreported(at) {
			c.errorf(at, "list 1, 3 or 5 nodes",
				"%d control plane nodes survive no more failures than %d: etcd needs a majority", n, n-1)
		}
	}
}

// checkPoolCluster requires clusterName in NodePools. In the Cluster's own pools it is optional.
func checkPoolCluster(c *checker) {
	if !isName(c.config.Name) {
		return // see checkObjectNames
	}
	for pool, spec := range c.poolSpecs {
		at := pool.Ref.field("clusterName")
		switch name := spec.ClusterName; {
		case name == "" && pool.Role == RoleWorker && c.unreported(at):
			c.errorf(at, "set it to "+c.config.Name, "the NodePool names no cluster")
		case name != "" && name != c.config.Name:
			c.errorf(at, "set it to "+c.config.Name, "the pool's cluster is %s, but the Cluster here is %s", echoName(name), c.config.Name)
		}
	}
}

// checkPoolNames requires distinct names of pools, because ClusterCIDRConfigs select pools by name. The rule
// unique-object compares NodePools with each other.
func checkPoolNames(c *checker) {
	taken := map[string]Role{}
	for _, pool := range c.config.Pools {
		if pool.Role != RoleWorker {
			taken[pool.Name] = pool.Role
			if len(pool.Name) > 63 {
				c.errorf(c.at("metadata.name"), "choose a name of at most 60 characters",
					"the name is too long: the load balancer's pool is called after it and has to fit into a label")
			}
			continue
		}
		role, clash := taken[pool.Name]
		if at := (Ref{Doc: pool.Ref.Doc, Path: "metadata.name"}); clash && isName(pool.Name) {
			c.errorf(at, "give the NodePool another name", "%s is the name of the %s's pool", pool.Name, poolNoun(role))
		}
	}
}

// poolNoun describes the pool of a role that has only one.
func poolNoun(r Role) string {
	if r == RoleLoadBalancer {
		return "load balancer"
	}
	return "control plane"
}

// checkLoadBalancerNodes checks the load balancer's own pool. An empty one would leave the VIP without a host.
func checkLoadBalancerNodes(c *checker, spec *v1.ClusterSpec) {
	lb := spec.LoadBalancer.NodePoolSpec
	switch at := c.at("spec.loadBalancer.nodePoolSpec"); {
	case lb == nil:
	case spec.LoadBalancer.Mode == "manual":
		c.errorf(at, "remove nodePoolSpec, or set mode: bundled", "in mode manual no node carries a load balancer")
	case len(lb.Nodes) == 0 && c.unreported(at.field("nodes")):
		c.errorf(at, "list nodes, or remove nodePoolSpec to use those of the control plane", "the load balancer's pool has no nodes")
	}
}

// checkKubeletConfig refuses negative values. It accepts a registryPullQPS of 0, which the kubelet treats as
// unlimited, and warns about a registryBurst of 0.
func checkKubeletConfig(c *checker) {
	for _, pool := range c.config.Pools {
		at := pool.Ref.field("kubeletConfig")
		for _, option := range []struct {
			name  string
			value *int32
		}{
			{"registryBurst", pool.Kubelet.RegistryBurst},
			{"registryPullQPS", pool.Kubelet.RegistryPullQPS},
		} {
			if option.value != nil && *option.value < 0 {
				c.errorf(at.field(option.name), "use 0 or more", "%d is negative", *option.value)
			}
		}
		if burst := pool.Kubelet.RegistryBurst; burst != nil && *burst == 0 {
			c.warnf(at.field("registryBurst"), "use 1 or more", "the kubelet takes 0 for the default, which is 10")
		}
	}
}
