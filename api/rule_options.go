package api

import (
	"net/netip"
	"strings"
)

// Rules about the form of fields in ProvisionOptions.
const (
	ruleKubernetesVersion = "kubernetes-version"
	ruleOptionsNode       = "options-node-address"
	ruleOptionsIPv6       = "options-node-ipv6"
	ruleVerifyClient      = "verify-client"
)

// The values of firewall.podsReachNodes.
const podsReachNeeded, podsReachAll = "needed", "all"

// optionRules returns the rules about ProvisionOptions other than its SSH options.
func optionRules() []rule {
	return []rule{
		newFormRule(ruleKubernetesVersion, fromDualstrap, "kubernetesVersion has the form v1.36.3", ""),
		ofOptions("kubernetes-version-known", fromDualstrap,
			"kubernetesVersion is a version that dualstrap builds, and of the Cluster's minor", checkKubernetesVersion),
		ofOptions("bundle-sha256", fromDualstrap, "bundleSHA256 is a SHA-256 digest", checkBundleSHA256),
		newFormRule(ruleOptionsNode, fromDualstrap, "nodes[].address is an IPv4 address", "write the address as in the Cluster or NodePool"),
		newFormRule(ruleOptionsIPv6, fromNetwork,
			"nodes[].ipv6 is an IPv6 address", "give the node's global or unique local address, as in 2001:db8::5 or fd12::2:5"),
		ofOptions("options-node-known", fromDualstrap, "nodes[].address is that of a node, once", checkOptionsNodes),
		newRule("options-node-ipv6-unique", fromNetwork, "no two nodes have the same IPv6 address", checkNodeIPv6Unique),
		ofOptions("options-node-interface", fromNetwork, "nodes[].interface is the name of a network interface", checkInterfaces),
		ofOptions("network-provider", fromDualstrap, "network.provider is builtin or none", checkProvider),
		ofOptions("firewall-pods-reach-nodes", fromDualstrap, "firewall.podsReachNodes is needed or all", checkPodsReachNodes),
		ofOptions("cluster-security-values", fromDualstrap,
			"clusterSecurity.auditLog is metadata or none, podSecurity privileged, baseline or restricted, "+
				"tlsMinVersion VersionTLS12 or VersionTLS13",
			checkClusterSecurity),
		newFormRule(ruleVerifyClient, fromDualstrap, "verify.client.address is an address", ""),
	}
}

// ofOptions returns a rule about ProvisionOptions alone. It is skipped when these are missing.
func ofOptions(name, source, summary string, check func(*checker, *Object[ProvisionOptions])) rule {
	return newRule(name, source, summary, func(c *checker) {
		if c.options != nil {
			check(c, c.options)
		}
	})
}

// checkKubernetesVersion requires an exact version of the Cluster's minor. The only reason to set the field is to
// be more exact than anthosBareMetalVersion.
func checkKubernetesVersion(c *checker, o *Object[ProvisionOptions]) {
	at := o.At("kubernetesVersion")
	v, err := parseVersion(o.Value.KubernetesVersion)
	if err != nil {
		return
	}
	release, known := v.release()
	switch hint := "write one of " + versionList() + ", or leave the field out"; {
	case v.patch < 0 || v.vendor:
		c.errorf(at, hint, "the version is not exact")
		return
	case !known || "v"+v.String() != release.Kubernetes:
		c.errorf(at, hint, "dualstrap does not build Kubernetes %s", v)
		return
	}
	if c.cluster == nil {
		return
	}
	field := c.at("spec.anthosBareMetalVersion")
	wanted, err := parseVersion(c.cluster.Value.Spec.AnthosBareMetalVersion)
	if err == nil && wanted.minor != v.minor {
		c.errorf(at, "make the two agree", "%s is not of the minor %s that the Cluster asks for (%s)", v, wanted.minor, c.place(field, at))
	}
}

// checkBundleSHA256 accepts lower-case digits only, so that digests can be compared as texts.
func checkBundleSHA256(c *checker, o *Object[ProvisionOptions]) {
	digest := o.Value.BundleSHA256
	if digest == "" || len(digest) == 64 && strings.Trim(digest, "0123456789abcdef") == "" {
		return
	}
	c.errorf(o.At("bundleSHA256"), "write what dualstrap bundle inspect prints", "the value is not a SHA-256 digest of 64 hexadecimal digits")
}

// checkOptionsNodes requires entries to name different nodes. An entry for an unknown node would be an override
// without effect.
func checkOptionsNodes(c *checker, o *Object[ProvisionOptions]) {
	known := map[netip.Addr]bool{}
	for _, n := range c.nodes {
		known[n.Address] = true
	}
	first := map[netip.Addr]Ref{}
	for i, n := range o.Value.Nodes {
		at := o.At("nodes").item(i).field("address")
		if n.Address == "" {
			if c.unreported(at) {
				c.errorf(at, "give the address of the node that the entry is about", "the entry names no node")
			}
			continue
		}
		a, err := parseAddr(n.Address, IPv4)
		other, taken := first[a]
		switch {
		case err != nil:
		case taken:
			c.errorf(at, "merge the two entries", "%s has an entry already: %s", a, c.place(other, at))
		case !known[a] && !c.manifests.Incomplete:
			c.errorf(at, "use the node's address from the Cluster or its NodePool, not its k8sIP", "%s is not the address of a node", a)
		}
		if !taken {
			first[a] = at
		}
	}
}

// checkNodeIPv6Unique is the counterpart of checkNodesUnique for IPv6.
func checkNodeIPv6Unique(c *checker) {
	first := map[netip.Addr]Ref{}
	for _, n := range c.nodeIPv6 {
		if other, taken := first[n.value]; taken {
			c.errorf(n.ref, "give each node its own address", "%s is already the address of a node: %s", n.value, c.place(other, n.ref))
			continue
		}
		first[n.value] = n.ref
	}
}

// checkInterfaces requires names that the kernel accepts; see dev_valid_name in net/core/dev.c.
func checkInterfaces(c *checker, o *Object[ProvisionOptions]) {
	for i, n := range o.Value.Nodes {
		if name := n.Interface; name != "" && !isInterface(name) {
			c.errorf(o.At("nodes").item(i).field("interface"), "write a name as `ip link` shows it, as in eth0 or bond0.100",
				"the value is not the name of a network interface: those have at most 15 characters, no spaces, slashes or colons")
		}
	}
}

// isInterface reports whether a text is the name of a network interface. Beyond the kernel it refuses a leading
// dash and the characters of shells, because the name becomes an argument of programs on hosts.
func isInterface(name string) bool {
	// IFNAMSIZ is 16 and includes the terminating NUL.
	if name == "" || len(name) > 15 || name == "." || name == ".." || name[0] == '-' {
		return false
	}
	for _, r := range name {
		if r <= ' ' || r > '~' || strings.ContainsRune("/:'\"\\$`;&|<>*?()[]{}!#", r) {
			return false
		}
	}
	return true
}

// checkPodsReachNodes validates which ports of nodes firewalld opens to pods.
func checkPodsReachNodes(c *checker, o *Object[ProvisionOptions]) {
	if p := o.Value.Firewall.PodsReachNodes; p != "" && p != podsReachNeeded && p != podsReachAll {
		c.errorf(o.At("firewall.podsReachNodes"), "write all to let pods reach every port of nodes, or leave the field out",
			"the value is not one of needed and all")
	}
}

// checkProvider accepts no names of pod networks, because dualstrap installs none of them.
func checkProvider(c *checker, o *Object[ProvisionOptions]) {
	if p := o.Value.Network.Provider; p != "" && p != "builtin" && p != "none" {
		c.errorf(o.At("network.provider"), "write none to install a pod network of your own", "the provider is not one of builtin and none")
	}
}
