// Package hostprep determines the properties of hosts and checks whether they can become nodes.
//
// [Probe] reads all facts about a host in one round trip. [PlanNetworkProbes] assigns network probes to each
// host of a cluster, and [ProbeNetwork] runs them. [Evaluate] then applies every [Check] to the results and
// returns the [Report] that check preflight prints:
//
//	Probe → Facts ─┬→ PlanNetworkProbes → ProbeNetwork → NetworkFacts ─┐
//	               └────────────────────── Host ───────────────────────┴→ Evaluate → Report
//
// This package never changes a host, and Evaluate is a pure function. Whether a host is a container, is already
// a node, or has been prepared before, follows from its facts and never from a flag.
package hostprep
