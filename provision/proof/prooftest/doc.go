// Package prooftest simulates the network of a cluster, for tests of proofs.
//
// Three nodes and a host outside of the cluster share an L2. Servers speak real HTTP, TLS and DNS over connections in
// memory, and see the source address that the simulated path has left to the packets:
//
//	pod ─→ its node ──────────────→ L2 ─→ the other node ─→ pod
//	       Service → pod            │     guard, Service → pod
//	       pod's address → node's   └──→ client
//
// A [Network] is healthy at first. The fields of its parts break it, each in one place, as on real hosts: a proof that
// runs over the network finds out what follows from that. Tests run in a bubble of testing/synctest, so
// timeouts of minutes pass at once.
package prooftest
