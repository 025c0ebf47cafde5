// Package agent configures a node's part of the pod network, and keeps it so. It runs on every node, in the host's
// network namespace.
//
// It reads the Nodes from the API server and the state of the kernel, computes the desired state of the kernel, and
// corrects the differences: routes to other nodes' pods, neighbour proxies for the node's own pods, IPv4 SNAT, source
// validation, sysctls, and the CNI configuration. It is level-triggered: an event only starts a round. Every round
// reads the whole state again, and rounds also run periodically without an event:
//
//	Nodes ──────┐                  ┌─→ routes, proxies ─→ announcements
//	            ├─→ view ─→ wanted ┼─→ nftables, sysctls
//	kernel ─────┘                  └─→ CNI configuration
//
// The configuration stays in place when the agent exits. Without the API server, the agent continues with the Nodes
// that it knows. Until it knows any, it only adds rules against forged packets of pods; see guardFirst.
package agent
