// Package check decides from the facts about hosts whether they can become nodes of a cluster.
//
// [PlanNetworkProbes] assigns network probes to each host of a cluster, whose facts are already known. [Evaluate] then
// applies every [Check] to the facts and to the results of the probes, and returns the [Report] that check preflight
// prints:
//
//	facts.Probe → facts.Host ─┬→ PlanNetworkProbes → facts.ProbeNetwork → facts.Network ─┐
//	                          └───────────────────────── Host ───────────────────────────┴→ Evaluate → Report
//
// This package does no I/O. Whether a host is a container, is already a node, or has been prepared before, follows from
// its facts and never from a flag.
package check
