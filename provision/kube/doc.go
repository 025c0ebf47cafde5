// Package kube brings a cluster to what its manifests say, through its API server.
//
// It talks to the API server over connections that the caller makes, so that a workstation that does
// not reach the control plane's VIP reaches it through a host.
package kube
