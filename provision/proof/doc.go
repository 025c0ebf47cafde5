// Package proof verifies with real traffic that a cluster matches its manifests.
//
// It runs a pod on every node, in a namespace of its own that it deletes afterwards, and makes calls between all
// parties: pods call each other, hosts call Services, and a host outside of the cluster calls pods and load balancers.
// The server in the pods answers with the address that it was called from, so each call proves which path it took:
//
//	client ──────────────→ pod IPv6        the pod sees the client's address: flat
//	pod    ─→ node ──────→ client IPv4     the client sees the node's address: island
//	pod    ──────────────→ pod             it sees the caller's address: routes, no NAT
//
// Calls from hosts are connections that the hosts' SSH servers make, so nothing is installed there. A [Check] is data.
// What cannot be checked is skipped with the reason, and never reported as passed.
package proof
