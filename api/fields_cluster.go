package api

import (
	"slices"

	"github.com/dualstrap/dualstrap/api/strictyaml"
)

// clusterFields returns the rules for a Cluster, the largest of the manifests. Most of its fields concern Google's
// own services.
func clusterFields() []strictyaml.Rule {
	return slices.Concat(
		objectFields(),
		ignoredClusterFields(),
		refusedClusterFields(),
		poolFields("spec.controlPlane.nodePoolSpec"),
		poolFields("spec.loadBalancer.nodePoolSpec"),
	)
}

// ignoredClusterFields returns the rules for fields of Google's services, and for how bmctl installs and upgrades.
func ignoredClusterFields() []strictyaml.Rule {
	const google = "the cluster does not connect to Google Cloud"
	return []strictyaml.Rule{
		ignore("spec.bypassPreflightCheck", "the checks are bypassed on the command line, with --ignore-checks"),
		ignore("spec.clusterOperations", google+", so logs and metrics stay where they are"),
		ignore("spec.clusterSecurity.authorization", google+", so its accounts have no access"),
		ignore("spec.clusterSecurity.startUIDRangeRootlessContainers", "containers of the control plane run as kubeadm makes them"),
		ignore("spec.credential", "the SSH key is named by sshPrivateKeyPath or by ProvisionOptions"),
		ignore("spec.gkeConnect", google),
		ignore("spec.gkeOnPremAPI", google),
		ignore("spec.kubevirt", "no virtual machine runtime is installed"),
		ignore("spec.metricsAdapter", "no metrics adapter is installed"),
		ignore("spec.nodePoolUpgradeStrategy", "node pools are not upgraded one after the other"),
		ignore("spec.osEnvironmentConfig", "no package repository is added to hosts"),
		ignore("spec.periodicHealthCheck", "health is checked by the command check cluster"),
		ignore("spec.storage", "no storage is set up"),
		ignore("spec.verticalPodAutoscaling", "no autoscaler is installed"),
	}
}

// refusedClusterFields returns the rules for fields that would change how the cluster behaves.
func refusedClusterFields() []strictyaml.Rule {
	const bgp = "BGP is not supported"
	return []strictyaml.Rule{
		refuse("spec.authentication", "login by OIDC or LDAP is not supported"),
		refuse("spec.binaryAuthorization", "Binary Authorization is not supported"),
		refuse("spec.controlPlane.schedulerConfiguration", "options of the scheduler are not supported"),
		refuse("spec.loadBalancer.bgpPeers", bgp),
		refuse("spec.loadBalancer.localASN", bgp),
		refuse("spec.maintenanceBlocks", "maintenance mode is not supported; drain nodes with kubectl"),
		refuse("spec.nodeConfig.privateRegistries", "private registries are not supported; use registryMirrors in the first document"),
		refuse("spec.proxy", "a proxy between nodes and the internet is not supported; nodes get everything from the bundle"),
	}
}
