// Package kube reads and changes a cluster through its API server: it applies manifests, drains and deletes nodes,
// mints join tokens, and waits until what it changed has taken effect.
//
// The caller supplies the connections, because a workstation often cannot reach the control plane's VIP directly and
// goes through a host over SSH. Requests that fail for a transient reason are retried until a deadline. What the API
// server sends is bounded, because it runs on a host that is not trusted with this machine's memory.
package kube
