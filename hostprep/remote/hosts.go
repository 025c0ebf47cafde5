package remote

import (
	"context"
	"net"
	"net/netip"
)

// Hosts gives access to hosts by their addresses. [Pool] is the implementation over SSH. Its methods are safe for
// concurrent use.
type Hosts interface {
	// Host returns a connected host. It connects if there is no connection yet, or if the connection was lost.
	Host(ctx context.Context, address netip.Addr) (Host, error)
	// Dial connects to an address from the host's point of view.
	Dial(ctx context.Context, address netip.Addr, to netip.AddrPort) (net.Conn, error)
	// Close ends all connections. Scripts that are still running on them fail.
	Close()
}
