// Package session holds what one run knows and shares: the configuration, the connections to the hosts, their facts, the
// cluster's lock, and the way to its API servers.
//
//	Open ──→ Lock ──→ CheckHosts ──→ RefuseForeign ──→ Run(phases)
//	           │          │                              │
//	           │          └ facts of every host          └ API.Client, through a control plane node
//	           └ one run at a time changes a cluster
//
// What is done to hosts is in package step, and which steps a command takes in a package of its own, such as create.
package session
