// Package hostprep says what a host is like and whether it can become a node.
//
// The way of the data: [Probe] asks a host everything in one round trip. [Tasks] says what each host
// of a cluster should try on the network, and [ProbeNetwork] has it tried. [Judge] then applies every
// [Check] to what is known, and gives the [Report] that check preflight prints:
//
//	Probe → Facts ─┬→ Tasks → ProbeNetwork → NetworkFacts ─┐
//	               └──────────────── Host ─────────────────┴→ Judge → Report
//
// Nothing here changes a host, and judging needs no host at all. Whether a host is a container, is a
// node already, or was prepared before, is told by its facts and never by a flag.
package hostprep
