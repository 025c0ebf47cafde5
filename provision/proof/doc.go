// Package proof shows on real traffic that a cluster is what its manifests say.
//
// It runs a pod on every node, in a namespace of its own that is gone afterwards, and has everybody call
// everybody: pods each other, hosts Services, a host outside of the cluster pods and load balancers. A
// server in the pods says who it is called by, so that each call proves which way it took:
//
//	client ──────────────→ pod IPv6        the pod sees the client's address: flat
//	pod    ─→ node ──────→ client IPv4     the client sees the node's address: island
//	pod    ──────────────→ pod             it sees the caller's address: routes, no NAT
//
// Calls from hosts are connections that the hosts' SSH servers make: nothing is installed there. A
// [Check] is data; what cannot be checked is skipped with the reason, and never passed.
package proof
