// Package ledger keeps book of which node holds which pod ranges while a cluster lives. It is the
// part of the controller that decides; it does no I/O and knows no clock.
//
// What comes in are observations: Nodes as the API server has them, ClusterCIDRConfigs, reserved
// ranges. What goes out are assignments, which somebody has to write to the API server, and reports,
// which somebody should read.
//
// # A block that was promised stays promised
//
// Between the decision that a node gets a block and the sight of a Node that holds it lies a write
// that may fail, time out, or arrive late. So the ledger never takes a block back because of what a
// write returned:
//
//	waiting ──Assign──> promised ──Observe: holds podCIDRs──> settled
//	   │                   │                                     │
//	   └───────────────────┴── Gone, or another UID ─────────────┴──> the block is free
//
// A promise is kept by writing the same block again. It ends when the Node is seen to hold podCIDRs,
// these or others, or when that very Node, by its UID, is gone.
//
// # Old news
//
// Observations come from a cache, which lags, and from answers to writes, which do not. One that is
// older than what is known of the same Node changes nothing.
package ledger
