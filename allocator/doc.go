// Package allocator assigns podCIDRs to the nodes of a dual-stack cluster: one IPv4 block and one
// IPv6 block, both from the same ClusterCIDRConfig.
//
// It is pure: prefixes in, prefixes out, no clock, no network, no randomness. The same nodes and
// configs always give the same blocks. So the same package plans offline, assigns blocks while a
// cluster is created, and runs inside the cluster's controller.
//
// # Which config
//
// A node may use a config if it carries all of its matchLabels. It takes the first such config, in
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
// The lowest free one. A range inside another one is meant for the nodes that its config selects, so
// other configs avoid it as long as they have anything else left:
//
//	cluster   |   |   |   |   |   |   |   |   |   no selector
//	edge              |   |   |                   pool=edge
//	            1   2   7   8   3   4   5   6     the order in which cluster's blocks go
//
// A config avoids only the ranges of configs with more matchLabels, and only while some node of the
// cluster matches them.
//
// # What is free
//
// An address is either occupied or free for the whole cluster, per family. It depends neither on
// labels, nor on the config a block came from, nor on whether that config still exists. So
// overlapping configs, changed masks, Service ranges and blocks from elsewhere need no special rules:
// an address that a node holds stays occupied until that node is released.
//
// A restart needs no saved state. A new Allocator behaves exactly like the old one once every node
// has been added with the podCIDRs it holds.
package allocator
