// Package agent keeps a node's part of the pod network. It runs on every node, in the host's network
// namespace.
//
// It looks at the Nodes of the API server and at what the kernel has, works out what the kernel shall
// have, and makes the difference good: routes to other nodes' pods, neighbour proxies for the node's
// own, IPv4 SNAT, sysctls, and the CNI configuration. Events only say when to look; what is there is
// read anew each time, and every so often without an event:
//
//	Nodes ──────┐                  ┌─→ routes, proxies ─→ announcements
//	            ├─→ view ─→ wanted ┼─→ SNAT, sysctls
//	kernel ─────┘                  └─→ CNI configuration
//
// What is in place stays there when the agent ends. Without the API server it goes on with the Nodes
// it knows; before it knows any, it changes nothing.
package agent
