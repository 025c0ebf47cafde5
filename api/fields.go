package api

import "github.com/dualstrap/dualstrap/api/strictyaml"

// The tables below name the fields of the manifests that the Go types leave out. Ignored ones mean
// nothing to dualstrap, and the author is told so once; refused ones would make the cluster behave
// otherwise, which dualstrap does not build.

func ignore(path, reason string) strictyaml.Rule {
	return strictyaml.Rule{Path: path, Disposition: strictyaml.Ignored, Reason: reason}
}

func refuse(path, reason string) strictyaml.Rule {
	return strictyaml.Rule{Path: path, Disposition: strictyaml.Refused, Reason: reason}
}

// headerFields are those of bmctl's header.
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

// objectFields are those that every object may have.
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
		ignore("status", "it is what a cluster reported, not what is wanted"),
	}
}

// namespaceFields are those of a Namespace, whose spec has nothing that an author writes.
func namespaceFields() []strictyaml.Rule {
	return append(objectFields(), ignore("spec", "it is set by the API server of the cluster that the Namespace was copied from"))
}

func optionsFields() []strictyaml.Rule { return objectFields() }

// cidrConfigFields are those of a ClusterCIDRConfig. Its type knows more than the documentation shows.
func cidrConfigFields() []strictyaml.Rule {
	return append(objectFields(),
		refuse("spec.network", "additional networks of nodes are not supported; ranges are for the one pod network"),
		refuse("spec.nodeSelector.matchExpressions", "matchExpressions are not supported; use matchLabels"),
	)
}

func nodePoolFields() []strictyaml.Rule { return append(objectFields(), poolFields("spec")...) }

// poolFields are those of a pool of nodes, be it a NodePool or part of a Cluster.
func poolFields(path string) []strictyaml.Rule {
	return []strictyaml.Rule{
		ignore(path+".upgradeStrategy", "nodes are not upgraded in groups"),
		ignore(path+".operatingSystem", "it is found out on the hosts"),
	}
}

// refusedKinds are kinds of Google Distributed Cloud that dualstrap does not build, and why.
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
