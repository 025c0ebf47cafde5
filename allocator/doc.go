// Package allocator gives every node of a dual-stack cluster its podCIDRs: one IPv4 block and one
// IPv6 block, both out of one ClusterCIDRConfig.
//
// It is pure: prefixes in, prefixes out, no clock, no network, no randomness. The same nodes and
// configs always give the same blocks, so one package plans offline, assigns while a cluster is
// made, and runs inside the cluster's controller.
//
// # Which config
//
// A node may use the configs all of whose matchLabels it carries. It takes the first of them, in
// this order, that has a free block in both families:
//
//  1. more matchLabels (a config with none is a fallback, so it comes last)
//  2. fewer blocks in total: the smaller of the two families' 2^(node mask - prefix length)
//  3. smaller blocks: the longer IPv4 node mask, then the longer IPv6 node mask
//  4. the selector written as k=v,k2=v2 with sorted keys, in byte order
//  5. the IPv4 range, then the IPv6 range, in numeric order
//  6. the name
//
// # Which block
//
// The lowest free one. A range inside another is a promise to the nodes it was made for, so it is
// spared as long as anything else is left:
//
//	cluster   |   |   |   |   |   |   |   |   |   no selector
//	edge              |   |   |                   pool=edge
//	            1   2   7   8   3   4   5   6     the order in which cluster's blocks go
//
// Only configs with more matchLabels are spared, and only while some node of the cluster matches
// them.
//
// # What is free
//
// Whether an address is taken is one question per family for the whole cluster. It depends neither
// on labels, nor on the config a block came from, nor on whether that config still exists. So
// overlapping configs, changed masks, service ranges and blocks that nobody planned need no rules
// of their own: whatever a node holds is taken until that node is released.
//
// A restart needs no saved state. A new Allocator to which every node is added with what it holds
// goes on exactly like the old one.
package allocator
