package api

import v1 "github.com/dualstrap/dualstrap/api/v1"

// refusedRules returns the rules about features that the types have a field for but dualstrap does not build. The
// tables in fields.go refuse the fields that the types omit.
func refusedRules() []rule {
	return []rule{
		ofCluster("feature-not-built", fromDualstrap, "features that dualstrap does not build are refused by name", checkFeatures),
		ofCluster("load-balancer-type", fromDualstrap, "the load balancer's type is layer2", checkLoadBalancerType),
		ofCluster("forward-mode", fromDualstrap, "the forward mode is snat", checkForwardMode),
		ofCluster("bundled-ingress", fromDualstrap, "no ingress controller comes with the cluster", checkBundledIngress),
	}
}

// checkFeatures refuses features instead of ignoring them: a cluster without a feature that its author requested
// looks finished and is not.
func checkFeatures(c *checker, spec *v1.ClusterSpec) {
	network := &spec.ClusterNetwork
	for _, feature := range []struct {
		path, what string
		on         bool
	}{
		{"spec.clusterNetwork.advancedNetworking", "advanced networking (BGP, egress NAT, network gateways)", network.AdvancedNetworking},
		{"spec.clusterNetwork.multipleNetworkInterfaces", "pods with several network interfaces", network.MultipleNetworkInterfaces},
		{"spec.clusterNetwork.sriovOperator", "the SR-IOV operator", network.SRIOVOperator},
		{"spec.clusterSecurity.enableRootlessContainers", "a rootless control plane", spec.ClusterSecurity.EnableRootlessContainers},
	} {
		if feature.on {
			c.errorf(c.at(feature.path), "remove the field or set it to false", "dualstrap does not build %s", feature.what)
		}
	}
}

// checkLoadBalancerType accepts only layer2. With BGP the VIPs would not even be in the nodes' subnet.
func checkLoadBalancerType(c *checker, spec *v1.ClusterSpec) {
	at := c.at("spec.loadBalancer.type")
	switch spec.LoadBalancer.Type {
	case "", "layer2":
	case "bgp":
		c.errorf(at, "use layer2, or mode: manual with load balancers of your own", "dualstrap does not build load balancing with BGP")
	default:
		c.errorf(at, "write layer2, or leave the field out", "the type is not layer2")
	}
}

// checkForwardMode accepts only snat. With dsr, clients would get answers from nodes other than the one they asked.
func checkForwardMode(c *checker, spec *v1.ClusterSpec) {
	at := c.at("spec.clusterNetwork.forwardMode")
	switch spec.ClusterNetwork.ForwardMode {
	case "", "snat":
	case "dsr":
		c.errorf(at, "use snat, or leave the field out", "dualstrap does not build direct server return")
	default:
		c.errorf(at, "write snat, or leave the field out", "the forward mode is not snat")
	}
}

// checkBundledIngress warns only when the field is true. It is on by default in the format, and a warning about
// every manifest would be ignored.
func checkBundledIngress(c *checker, spec *v1.ClusterSpec) {
	if on := spec.ClusterNetwork.BundledIngress; on != nil && *on {
		c.warnf(c.at("spec.clusterNetwork.bundledIngress"), "install the ingress controller of your choice and give its Service the ingressVIP",
			"no ingress controller is installed; the ingressVIP stays reserved for one")
	}
}
