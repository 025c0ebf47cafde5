// Package ledger records which node holds which pod ranges while a cluster lives. It is the part of the controller that
// decides. It does no I/O and does not read the clock.
//
// Its inputs are observations: Nodes as the API server returns them, ClusterCIDRConfigs, reserved ranges. Its outputs
// are assignments, which the caller writes to the API server, and reports, which the caller publishes.
//
// # A block that was promised stays promised
//
// Between the decision that a node gets a block and the observation of a Node that holds it, there is a write, which
// may fail, time out, or arrive late. So the ledger never revokes a promise because of what a write returned:
//
//	waiting ──Assign──> promised ──Observe: holds podCIDRs──> settled
//	   │                   │                                     │
//	   └───────────────────┴─ Forget, or another UID ────────────┴──> the block is free
//
// A promise is kept by writing the same block again. It ends when the Node is observed with podCIDRs, these or others,
// or when that very Node, identified by its UID, is gone.
//
// # Stale observations
//
// Observations come from a cache, which lags, and from responses to writes, which do not. An observation that is older
// than what is known of the same Node changes nothing.
package ledger
