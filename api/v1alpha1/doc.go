// Package v1alpha1 holds the ClusterCIDRConfig manifest of baremetal.cluster.gke.io/v1alpha1 in its
// wire form; package api parses its ranges.
//
// +kubebuilder:object:generate=true
// +groupName=baremetal.cluster.gke.io
package v1alpha1
