// Package v1 holds the Cluster and NodePool manifests of baremetal.cluster.gke.io/v1, as far as
// dualstrap reads them.
//
// The types are the wire form: every address is the string its author wrote, because a wrong one
// must survive decoding to be reported together with all other problems. Package api parses them.
// Fields of the format that these types leave out are listed in package api, either as ignored or
// as refused.
//
// +kubebuilder:object:generate=true
// +groupName=baremetal.cluster.gke.io
package v1
