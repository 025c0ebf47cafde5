package api

import (
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"

	v1 "github.com/dualstrap/dualstrap/api/v1"
)

// ruleVersion reports a malformed version in the Cluster.
const ruleVersion = "version"

// clusterRules returns the rules about fields of the Cluster that belong to no other group.
func clusterRules() []rule {
	return []rule{
		ofCluster("required-field", fromDocumentation, "fields without a default are given", checkRequired),
		ofCluster("cluster-type", fromDualstrap, "the type is standalone or hybrid", checkType),
		ofCluster("profile", fromDocumentation, "the profile is default or edge, and edge only with type standalone", checkProfile),
		newFormRule(ruleVersion, fromDualstrap, "anthosBareMetalVersion has the form 1.36, 1.36.3 or 1.36.100-gke.7", ""),
		ofCluster("version-known", fromDualstrap, "anthosBareMetalVersion names a Kubernetes minor that dualstrap builds", checkVersionKnown),
		ofCluster("container-runtime", fromDocumentation, "the container runtime is containerd", checkContainerRuntime),
		ofCluster("max-pods", fromDocumentation, "a node runs 32 to 250 pods, 64 to 250 with one control plane node", checkMaxPods),
		ofCluster("api-server-sans", fromKubernetes, "further names of the API server's certificate are DNS names or addresses", checkSANs),
	}
}

// checkRequired reports missing fields of the Cluster. The rules of the other kinds include their required fields.
func checkRequired(c *checker, spec *v1.ClusterSpec) {
	for _, field := range []struct {
		path, hint string
		empty      bool
	}{
		{"spec.type", "write standalone", spec.Type == ""},
		{"spec.anthosBareMetalVersion", "name the Kubernetes version: " + versionList(), spec.AnthosBareMetalVersion == ""},
		{"spec.controlPlane.nodePoolSpec.nodes", "list 1, 3 or 5 hosts by address", len(spec.ControlPlane.NodePoolSpec.Nodes) == 0},
		{"spec.loadBalancer.mode", "write bundled, or manual if you run load balancers of your own", spec.LoadBalancer.Mode == ""},
		{"spec.loadBalancer.ports.controlPlaneLBPort", "443 is usual", spec.LoadBalancer.Ports.ControlPlaneLBPort == 0},
		{
			"spec.loadBalancer.vips.controlPlaneVIP", "choose an unused IPv4 address in the nodes' subnet",
			spec.LoadBalancer.VIPs.ControlPlaneVIP == "",
		},
		{
			"spec.clusterNetwork.services.cidrBlocks", "list one IPv4 and one IPv6 range",
			len(spec.ClusterNetwork.Services.CIDRBlocks) == 0,
		},
	} {
		if at := c.at(field.path); field.empty && c.unreported(at) {
			c.errorf(at, field.hint, "the field is missing, and it has no default")
		}
	}
}

// checkType accepts standalone, and hybrid with a warning: as a cluster for workloads it is built like a standalone
// one.
func checkType(c *checker, spec *v1.ClusterSpec) {
	at := c.at("spec.type")
	const hint = "write type: standalone"
	switch kind := spec.Type; kind {
	case "", "standalone":
	case "hybrid":
		c.warnf(at, "", "the cluster becomes a cluster like any other: it does not manage user clusters")
	case "admin", "user":
		c.errorf(at, hint, "dualstrap does not build %s clusters", kind)
	default:
		c.errorf(at, hint, "the type is not one of standalone and hybrid")
	}
}

// checkProfile validates the profile. It has no effect on the cluster; the edge profile lowers the requirements on
// hosts.
func checkProfile(c *checker, spec *v1.ClusterSpec) {
	at := c.at("spec.profile")
	switch {
	case spec.Profile == "", spec.Profile == "default":
	case spec.Profile != "edge":
		c.errorf(at, "", "the profile is not one of default and edge")
	case spec.Type != "standalone":
		c.errorf(at, "use profile: default, or type: standalone", "the edge profile is only for standalone clusters")
	}
}

// checkVersionKnown requires a minor that dualstrap builds. The patch may differ, because the field names a minor:
// Google's patches are not those of Kubernetes.
func checkVersionKnown(c *checker, spec *v1.ClusterSpec) {
	at := c.at("spec.anthosBareMetalVersion")
	v, err := parseVersion(spec.AnthosBareMetalVersion)
	if err != nil {
		return // see ruleVersion
	}
	release, known := v.release()
	installed := strings.TrimPrefix(release.Kubernetes, "v")
	switch {
	case !known:
		c.errorf(at, "use one of "+versionList(), "dualstrap does not build Kubernetes %s", v.minor)
	case v.patch >= 0 && !v.vendor && v.String() != installed:
		c.warnf(at, "write "+installed, "the cluster gets Kubernetes %s, not %s: one patch release of each minor is built", installed, v)
	}
}

// checkContainerRuntime accepts only containerd. Versions that supported docker are long out of use.
func checkContainerRuntime(c *checker, spec *v1.ClusterSpec) {
	if r := spec.NodeConfig.ContainerRuntime; r != "" && r != "containerd" {
		c.errorf(c.at("spec.nodeConfig.containerRuntime"), "write containerd, or leave the field out",
			"the only container runtime is containerd")
	}
}

// highestMaxPods is the documented limit for any node.
const highestMaxPods = 250

// checkMaxPods applies the documented limits for clusters that manage themselves, as all clusters here do.
func checkMaxPods(c *checker, spec *v1.ClusterSpec) {
	lowest, why := 64, "with one control plane node"
	if len(spec.ControlPlane.NodePoolSpec.Nodes) > 1 {
		lowest, why = 32, "with several control plane nodes"
	}
	at := c.at("spec.nodeConfig.podDensity.maxPodsPerNode")
	if n := c.config.MaxPodsPerNode; (n < lowest || n > highestMaxPods) && c.unreported(at) {
		c.errorf(at, "choose a number from that range; 110 is the default",
			"%d is not between %d and %d, the bounds %s", n, lowest, highestMaxPods, why)
	}
}

// checkSANs validates the names for the API server's certificate; otherwise kubeadm would fail on the first host.
func checkSANs(c *checker, spec *v1.ClusterSpec) {
	at := c.at("spec.controlPlane.apiServerCertExtraSANs")
	for i, san := range spec.ControlPlane.APIServerCertExtraSANs {
		if !isSAN(san) {
			c.errorf(at.item(i), "write a DNS name in lower case or an IP address, without scheme and port",
				"%s is neither a DNS name nor an IP address", echo(san))
		}
	}
}

// isSAN reports whether kubeadm accepts a name. It also accepts names that begin with a wildcard.
func isSAN(s string) bool {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Zone() == ""
	}
	if looksLikeIPv4 := strings.Trim(s, "0123456789.") == ""; looksLikeIPv4 {
		return false
	}
	return len(content.IsDNS1123Subdomain(strings.TrimPrefix(s, "*."))) == 0
}
