package api

import (
	"cmp"
	"net/netip"

	"github.com/dualstrap/dualstrap/api/strictyaml"
	v1 "github.com/dualstrap/dualstrap/api/v1"
)

// Defaults of fields that manifests may omit, the same as in Google Distributed Cloud.
const (
	defaultMaxPodsPerNode = 110
	defaultGARPRepeat     = 5
)

// newChecker converts the manifests to a Config. It validates nothing: a text that cannot be parsed is kept for the
// rule that is named at the call, and its value stays zero.
func newChecker(m *Manifests) *checker {
	c := &checker{
		manifests: m,
		config:    &Config{Manifests: m},
		unparsed:  map[string][]unparsed{},
		decoded:   map[*Document][]strictyaml.Problem{},
	}
	if len(m.Clusters) > 0 {
		c.cluster = &m.Clusters[0]
		c.buildCluster()
		c.buildNetwork()
		c.buildLoadBalancer()
	}
	for _, np := range m.NodePools {
		pool := c.buildPool(np.At("spec"), np.Value.Name, &np.Value.Spec)
		pool.Role = RoleWorker
		c.config.Pools = append(c.config.Pools, pool)
	}
	for _, ccc := range m.ClusterCIDRConfigs {
		c.config.CIDRConfigs = append(c.config.CIDRConfigs, c.buildCIDRConfig(ccc))
	}
	c.buildHeader()
	if len(m.Options) > 0 {
		c.options = &m.Options[0]
		c.buildOptions()
	}
	// Last, because the spaces hold addresses of all documents.
	c.spaces = newSpaces(c)
	return c
}

// buildCluster fills in the options of the cluster as a whole, and its two pools that are not NodePools.
func (c *checker) buildCluster() {
	cluster := &c.cluster.Value
	spec := &cluster.Spec
	cfg := c.config
	cfg.Name, cfg.Namespace = cluster.Name, cluster.Namespace
	cfg.APIServerCertExtraSANs = spec.ControlPlane.APIServerCertExtraSANs
	cfg.MaxPodsPerNode = defaultMaxPodsPerNode
	if n := spec.NodeConfig.PodDensity.MaxPodsPerNode; n != nil {
		cfg.MaxPodsPerNode = int(*n)
	}
	cfg.SeccompDefault = spec.ClusterSecurity.EnableSeccomp
	cfg.SSH.User = spec.NodeAccess.LoginUser

	version := c.version(ruleVersion, c.cluster.At("spec.anthosBareMetalVersion"), spec.AnthosBareMetalVersion)
	cfg.Kubernetes, _ = version.release()

	pool := c.buildPool(c.cluster.At("spec.controlPlane.nodePoolSpec"), cluster.Name, &spec.ControlPlane.NodePoolSpec)
	pool.Role = RoleControlPlane
	cfg.Pools = append(cfg.Pools, pool)
	if lb := spec.LoadBalancer.NodePoolSpec; lb != nil {
		pool := c.buildPool(c.cluster.At("spec.loadBalancer.nodePoolSpec"), loadBalancerPoolName(cluster.Name), lb)
		pool.Role = RoleLoadBalancer
		cfg.Pools = append(cfg.Pools, pool)
	}
}

// loadBalancerPoolName returns the name of the pool in spec.loadBalancer.nodePoolSpec, which has no name in the
// manifests.
func loadBalancerPoolName(cluster string) string { return cluster + "-lb" }

// buildNetwork fills in the ranges of Services and pods. Of several IPv4 pod ranges it takes the first, so that
// other rules can continue. With flat IPv4 the Cluster's pod ranges have no meaning and are not parsed.
func (c *checker) buildNetwork() {
	wire := &c.cluster.Value.Spec.ClusterNetwork
	network := &c.config.Network
	network.FlatIPv4 = wire.FlatIPv4
	network.Builtin = true
	services := c.cluster.At(servicesPath)
	for i, s := range wire.Services.CIDRBlocks {
		if p := c.cidr(ruleServices, services.item(i), s, ""); p.IsValid() {
			network.Services = append(network.Services, p)
			c.services = append(c.services, placed[netip.Prefix]{p, services.item(i)})
		}
	}
	if wire.FlatIPv4 {
		return
	}
	pods := c.cluster.At(podsPath)
	for i, s := range wire.Pods.CIDRBlocks {
		p := c.cidr(rulePods, pods.item(i), s, "")
		if !p.IsValid() {
			continue
		}
		c.pods = append(c.pods, placed[netip.Prefix]{p, pods.item(i)})
		// The Cluster's range is IPv4; checkPodsFamily reports the others.
		if p.Addr().Is4() && !network.Pods.IsValid() {
			network.Pods = p
		}
	}
}

// buildPool returns the pool at ref. The caller sets its role.
func (c *checker) buildPool(ref Ref, name string, spec *v1.NodePoolSpec) Pool {
	pool := Pool{Name: name, Labels: spec.Labels, Taints: spec.Taints, Ref: ref}
	if spec.KubeletConfig != nil {
		pool.Kubelet = *spec.KubeletConfig
	}
	nodes := ref.field("nodes")
	pool.Nodes = make([]Node, len(spec.Nodes))
	for i := range spec.Nodes {
		pool.Nodes[i] = c.buildNode(nodes.item(i), &spec.Nodes[i])
	}
	return pool
}

// buildNode returns a node. Without k8sIP, its address serves both SSH and Kubernetes.
func (c *checker) buildNode(ref Ref, wire *v1.Node) Node {
	n := Node{Address: c.addr(ruleNodeAddress, ref, "address", wire.Address), Ref: ref}
	n.K8sIP = n.Address
	if wire.K8sIP != "" {
		n.K8sIP = c.addr(ruleNodeAddress, ref, "k8sIP", wire.K8sIP)
	}
	return n
}

// buildHeader applies bmctl's header. It must run before buildOptions, whose values take precedence.
func (c *checker) buildHeader() {
	if len(c.manifests.Header) == 0 {
		return
	}
	header := c.manifests.Header[0].Value
	c.config.SSH.PrivateKeyPath = header.SSHPrivateKeyPath
	c.config.RegistryMirrors = header.RegistryMirrors
}

// buildOptions applies the ProvisionOptions. An unknown kubernetesVersion is left to its rule.
func (c *checker) buildOptions() {
	o := &c.options.Value
	cfg := c.config
	if o.KubernetesVersion != "" {
		version := c.version(ruleKubernetesVersion, c.options.At("kubernetesVersion"), o.KubernetesVersion)
		if release, known := version.release(); known {
			cfg.Kubernetes = release
		}
	}
	cfg.Bundle, cfg.BundleSHA256, cfg.BundleAllowedSigners = o.Bundle, o.BundleSHA256, o.BundleAllowedSigners
	cfg.AllowCgroupV1 = o.AllowCgroupV1
	cfg.PodsReachAllOfNodes = o.Firewall.PodsReachNodes == podsReachAll
	cfg.Security = o.ClusterSecurity.resolve()
	cfg.Network.Builtin = o.Network.Provider != "none"
	cfg.SSH = SSH{
		User:           cmp.Or(o.SSH.User, cfg.SSH.User),
		Port:           o.SSH.Port,
		PrivateKeyPath: cmp.Or(o.SSH.PrivateKeyPath, cfg.SSH.PrivateKeyPath),
		KnownHostsPath: o.SSH.KnownHostsPath,
		AcceptNew:      o.SSH.HostKeyPolicy == "accept-new",
		ProxyJump:      o.SSH.ProxyJump,
	}
	cfg.VerifyClient = c.addrOf("", ruleVerifyClient, c.options.At("verify.client.address"), o.Verify.Client.Address)
	c.buildNodeOptions(o.Nodes)
}

// buildNodeOptions applies the overrides of discovery to the nodes they name.
func (c *checker) buildNodeOptions(overrides []NodeOptions) {
	if len(overrides) == 0 {
		return
	}
	nodes := map[netip.Addr]*Node{}
	for p := range c.config.Pools {
		for n := range c.config.Pools[p].Nodes {
			node := &c.config.Pools[p].Nodes[n]
			nodes[node.Address] = node
		}
	}
	for i, o := range overrides {
		ref := c.options.At("nodes").item(i)
		address := c.addr(ruleOptionsNode, ref, "address", o.Address)
		ipv6 := c.addrOf(IPv6, ruleOptionsIPv6, ref.field("ipv6"), o.IPv6)
		if ipv6.IsValid() {
			c.nodeIPv6 = append(c.nodeIPv6, placed[netip.Addr]{ipv6, ref.field("ipv6")})
		}
		// Nodes with a malformed address have the zero address as well.
		if node := nodes[address]; node != nil && address.IsValid() {
			node.IPv6, node.Interface = ipv6, o.Interface
		}
	}
}

// keep stores a text that could not be parsed for its rule. It skips texts whose field already has a problem of the
// decoder.
func (c *checker) keep(rule string, ref Ref, text string, err *fault) {
	if text == "" && !c.unreported(ref) || c.isGuessed(ref) {
		return
	}
	c.unparsed[rule] = append(c.unparsed[rule], unparsed{ref, text, err})
}

// isGuessed reports whether a repair of the decoder concerns the line of a field, so that its text may not be the
// author's.
func (c *checker) isGuessed(ref Ref) bool {
	line := -1
	for _, p := range c.decoderErrors(ref.Doc) {
		if line < 0 {
			line, _ = ref.Doc.Position(ref.Path)
		}
		if p.Rule == strictyaml.RuleSyntax && p.Line == line {
			return true
		}
	}
	return false
}

// addr parses an IPv4 address in a member of ref. An empty text is the zero address. Most addresses in manifests
// take this path, and a file may list 100,000 nodes, so it builds the member's position only for a problem.
func (c *checker) addr(rule string, ref Ref, member, s string) netip.Addr {
	if s == "" {
		return netip.Addr{}
	}
	a, err := parseAddr(s, IPv4)
	if err != nil {
		c.keep(rule, ref.field(member), s, err)
	}
	return a
}

// addrOf parses an address of the wanted family, or of any family when want is empty.
func (c *checker) addrOf(want Family, rule string, ref Ref, s string) netip.Addr {
	if s == "" {
		return netip.Addr{}
	}
	a, err := parseAddr(s, want)
	if err != nil {
		c.keep(rule, ref, s, err)
	}
	return a
}

// cidr parses a range of the wanted family, or of any family when want is empty.
func (c *checker) cidr(rule string, ref Ref, s string, want Family) netip.Prefix {
	p, err := parseCIDR(s, want)
	if err != nil {
		c.keep(rule, ref, s, err)
	}
	return p
}

// version parses a version. An empty text is the zero version, for which there is no release.
func (c *checker) version(rule string, ref Ref, s string) kubeVersion {
	if s == "" {
		return kubeVersion{}
	}
	v, err := parseVersion(s)
	if err != nil {
		c.keep(rule, ref, s, err)
	}
	return v
}

// nodes iterates over every node and its pool, in file order.
func (c *checker) nodes(yield func(*Pool, *Node) bool) {
	for p := range c.config.Pools {
		pool := &c.config.Pools[p]
		for n := range pool.Nodes {
			if !yield(pool, &pool.Nodes[n]) {
				return
			}
		}
	}
}
