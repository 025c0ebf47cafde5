package api

import "github.com/dualstrap/dualstrap/api/strictyaml"

// The tables below list fields of the manifests that the Go types omit. An ignored field means nothing to
// dualstrap, and the author is told so once. A refused field would change how the cluster behaves in a way that
// dualstrap does not build, so ignoring it would mislead the author.

// ignore returns a rule that skips a field with a warning.
func ignore(path, reason string) strictyaml.Rule {
	return strictyaml.Rule{Path: path, Disposition: strictyaml.Ignored, Reason: reason}
}

// refuse returns a rule that reports a field as an error.
func refuse(path, reason string) strictyaml.Rule {
	return strictyaml.Rule{Path: path, Disposition: strictyaml.Refused, Reason: reason}
}

// headerFields returns the rules for bmctl's header.
func headerFields() []strictyaml.Rule {
	const key = "the cluster does not connect to Google Cloud, so the key is not used"
	return []strictyaml.Rule{
		ignore("gcrKeyPath", key),
		ignore("gkeConnectAgentServiceAccountKeyPath", key),
		ignore("gkeConnectRegisterServiceAccountKeyPath", key),
		ignore("cloudOperationsServiceAccountKeyPath", key),
		ignore("*ServiceAccountKeyPath", key),
		refuse("privateRegistries", "private registries are not supported; use registryMirrors"),
	}
}

// objectFields returns the rules that apply to every object. Exported manifests hold most of these fields.
func objectFields() []strictyaml.Rule {
	const server = "it is set by the API server of the cluster that the object was copied from"
	return []strictyaml.Rule{
		ignore("metadata.creationTimestamp", server),
		ignore("metadata.deletionGracePeriodSeconds", server),
		ignore("metadata.deletionTimestamp", server),
		ignore("metadata.finalizers", server),
		ignore("metadata.generation", server),
		ignore("metadata.managedFields", server),
		ignore("metadata.ownerReferences", server),
		ignore("metadata.resourceVersion", server),
		ignore("metadata.selfLink", server),
		ignore("metadata.uid", server),
		refuse("metadata.generateName", "generated names are not supported; write metadata.name"),
		ignore("status", "it is the state that a cluster reported, not the desired state"),
	}
}

// namespaceFields returns the rules for a Namespace. Its spec holds nothing that an author writes.
func namespaceFields() []strictyaml.Rule {
	return append(objectFields(), ignore("spec", "it is set by the API server of the cluster that the Namespace was copied from"))
}

// optionsFields returns the rules for ProvisionOptions. It is dualstrap's own format, so only the fields of every
// object are ignored or refused.
func optionsFields() []strictyaml.Rule { return objectFields() }

// cidrConfigFields returns the rules for a ClusterCIDRConfig. Google's type has more fields than its documentation
// shows.
func cidrConfigFields() []strictyaml.Rule {
	return append(objectFields(),
		refuse("spec.network", "additional networks of nodes are not supported; ranges are for the one pod network"),
		refuse("spec.nodeSelector.matchExpressions", "matchExpressions are not supported; use matchLabels"),
	)
}

// nodePoolFields returns the rules for a NodePool.
func nodePoolFields() []strictyaml.Rule { return append(objectFields(), poolFields("spec")...) }

// poolFields returns the rules for a pool of nodes at a path, in a NodePool or in a Cluster.
func poolFields(path string) []strictyaml.Rule {
	return []strictyaml.Rule{
		ignore(path+".upgradeStrategy", "nodes are not upgraded in groups"),
		ignore(path+".operatingSystem", "it is found out on the hosts"),
	}
}

// refusedKinds returns the kinds of Google Distributed Cloud that dualstrap does not support, with the reasons.
func refusedKinds() map[string]string {
	const (
		bgp      = "BGP is not supported; IPv6 is statically flat, on the nodes' own L2 network"
		networks = "additional networks of nodes are not supported"
		result   = "it is made by bmctl and describes no cluster"
		internal = "it is made in the cluster from the Cluster and NodePools"
		egress   = "egress NAT gateways are not supported"
	)
	return map[string]string{
		"AddonConfiguration":          "add-ons are not supported",
		"BGPAdvertisedRoute":          bgp,
		"BGPLoadBalancer":             bgp,
		"BGPPeer":                     bgp,
		"BGPReceivedRoute":            bgp,
		"BGPSession":                  bgp,
		"BareMetalCluster":            internal,
		"BareMetalMachine":            internal,
		"EgressNATPolicy":             egress,
		"FlatIPMode":                  bgp,
		"HealthCheck":                 result,
		"InventoryMachine":            internal,
		"Machine":                     internal,
		"Network":                     networks,
		"NetworkAttachmentDefinition": networks,
		"NetworkGatewayGroup":         bgp,
		"NetworkGatewayNode":          bgp,
		"NodePoolClaim":               internal,
		"PreflightCheck":              result,
		"TrafficSteering":             egress,
		"VMRuntime":                   "virtual machines are not supported",
	}
}
