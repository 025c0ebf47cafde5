package network

import (
	"fmt"
	"net/netip"
)

// Bridge is the interface that is this machine's place on the segment.
const Bridge = "dslab0"

// vethPrefix begins the name of the machine's end of a cable; the host's ID follows.
const vethPrefix = "dslab-"

// Interface is the far end of a cable, as the host sees it.
const Interface = "eth0"

// State is what a cable is to its host.
type State string

// The states of a cable.
const (
	Connected State = "connected"
	// Disconnected is a cable whose machine's end is switched off: the host has no carrier.
	Disconnected State = "disconnected"
	// Detached is no cable at all: the host does not run, or started by other hands than ours.
	Detached State = "detached"
)

// ConflictError is a range of the lab that the machine already uses elsewhere.
type ConflictError struct {
	// Range is the lab's, and Taken what the machine has of it, on Link.
	Range, Taken netip.Prefix
	Link         string
}

// Error implements error.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("the lab's range %s is in use on this machine: %s is on the interface %s", e.Range, e.Taken, e.Link)
}

// Hint says what to do.
func (e *ConflictError) Hint() string {
	return "remove that address or route for as long as the lab is up, or use another machine"
}
