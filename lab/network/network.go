package network

import (
	"fmt"
	"net/netip"
)

// Bridge is the name of the bridge, which holds this machine's addresses on the segment.
const Bridge = "dslab0"

// vethPrefix begins the name of the machine's end of a veth link; the host's ID follows.
const vethPrefix = "dslab-"

// Interface is the name of the host's end of a veth link.
const Interface = "eth0"

// State is the state of a host's veth link.
type State string

// States of a veth link.
const (
	Connected State = "connected"
	// Disconnected means that the machine's end is down: the host's interface has no carrier.
	Disconnected State = "disconnected"
	// Detached means that the host has no veth link: it is not running, or was not started by dualstrap.
	Detached State = "detached"
)

// ConflictError reports a range of the lab that the machine already uses.
type ConflictError struct {
	// Range is the lab's range. Taken is the conflicting address or route, on the interface Link.
	Range, Taken netip.Prefix
	Link         string
}

// Error implements error.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("the lab's range %s is in use on this machine: %s is on the interface %s", e.Range, e.Taken, e.Link)
}

// Hint returns what the user can do about the error.
func (e *ConflictError) Hint() string {
	return "remove that address or route for as long as the lab is up, or use another machine"
}
