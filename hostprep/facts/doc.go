// Package facts reads what a host is and has, and what it reaches on its network.
//
// [Probe] reads all facts about a host with one script, in one round trip. [ProbeNetwork] runs the probes of a
// [NetworkProbe], in a second one. Neither changes the host. The facts are not evaluated here: a host that cannot become
// a node has facts like any other.
package facts
