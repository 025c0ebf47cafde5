package kernel

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"go4.org/netipx"
	"golang.org/x/sys/unix"
)

// maxDumps is how many times a list is read when the kernel reports that it changed in the meantime.
const maxDumps = 10

// Kernel is a connection to the kernel. It stays in the network namespace in which the process was when it was opened.
type Kernel struct{ handle *netlink.Handle }

// Open opens a connection to the kernel. The caller has to close it.
func Open() (*Kernel, error) {
	handle, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("cannot open a netlink socket: %w", err)
	}
	return &Kernel{handle: handle}, nil
}

// Close closes the connection. It does not change the kernel's state.
func (k *Kernel) Close() { k.handle.Close() }

// Read returns the links, addresses, routes and proxies of both families. Links are read last: the kernel drops routes
// and proxies of a link after it has marked the link as down. If a link is up when it is read, its routes and proxies
// were complete when they were read, so a missing one is missing for another reason.
func (k *Kernel) Read() (State, error) {
	var state State
	for _, read := range []struct {
		what string
		list func(*State) error
	}{
		{"routes", k.readRoutes},
		{"neighbour proxies", k.readProxies},
		{"addresses", k.readAddresses},
		{"links", k.readLinks},
	} {
		if err := read.list(&state); err != nil {
			return State{}, fmt.Errorf("cannot list the kernel's %s: %w", read.what, err)
		}
	}
	return state, nil
}

// readLinks adds all network interfaces to the state.
func (k *Kernel) readLinks(state *State) error {
	links, err := dump(k.handle.LinkList)
	for _, link := range links {
		attrs := link.Attrs()
		state.Links = append(state.Links, Link{
			Index: attrs.Index, Name: attrs.Name, Kind: link.Type(), MTU: attrs.MTU, Up: attrs.Flags&net.FlagUp != 0,
		})
	}
	return err
}

// readAddresses adds the addresses of both families to the state.
func (k *Kernel) readAddresses(state *State) error {
	addresses, err := dump(func() ([]netlink.Addr, error) { return k.handle.AddrList(nil, netlink.FAMILY_ALL) })
	for _, address := range addresses {
		// The library returns IPv4 addresses in 4 or 16 bytes.
		if addr, ok := netip.AddrFromSlice(address.IP); ok {
			bits, _ := address.Mask.Size()
			state.Addresses = append(state.Addresses, Address{Addr: addr.Unmap(), Bits: bits, Link: address.LinkIndex})
		}
	}
	return err
}

// readRoutes adds the unicast routes of the main table to the state.
func (k *Kernel) readRoutes(state *State) error {
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		// The table local has the node's own addresses, and other tables belong to policy routing: the agent uses
		// neither.
		filter := &netlink.Route{Table: unix.RT_TABLE_MAIN, Type: unix.RTN_UNICAST}
		routes, err := dump(func() ([]netlink.Route, error) {
			return k.handle.RouteListFiltered(family, filter, netlink.RT_FILTER_TABLE|netlink.RT_FILTER_TYPE)
		})
		if err != nil {
			return err
		}
		for i := range routes {
			if route, ok := routeOf(&routes[i]); ok {
				state.Routes = append(state.Routes, route)
			}
		}
	}
	return nil
}

// routeOf converts a route. It returns false for default routes, which in some versions of the library have no prefix,
// and for routes over several links. The agent makes neither.
func routeOf(r *netlink.Route) (Route, bool) {
	if r.Dst == nil || r.LinkIndex == 0 {
		return Route{}, false
	}
	dst, ok := netipx.FromStdIPNet(r.Dst)
	via, _ := netip.AddrFromSlice(r.Gw)
	return Route{Dst: dst, Via: via.Unmap(), Link: r.LinkIndex, Protocol: int(r.Protocol)}, ok
}

// dump returns a consistent list: one that changed while it was read is read again.
func dump[T any](list func() ([]T, error)) ([]T, error) {
	for range maxDumps {
		items, err := list()
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			return items, err
		}
	}
	return nil, netlink.ErrDumpInterrupted
}

// AddRoute adds a route to the main table. It returns an error if there is a route to the same destination: it belongs
// to another program, since the agent removes its own stale routes first.
func (k *Kernel) AddRoute(route Route) error {
	if err := k.handle.RouteAdd(netlinkRoute(route)); errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("cannot add route %s: there is one to %s that the agent did not make", route, route.Dst)
	} else if err != nil {
		return fmt.Errorf("cannot add route %s: %w", route, err)
	}
	return nil
}

// DeleteRoute removes exactly this route. A missing route is not an error.
func (k *Kernel) DeleteRoute(route Route) error {
	if err := k.handle.RouteDel(netlinkRoute(route)); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("cannot delete route %s: %w", route, err)
	}
	return nil
}

// netlinkRoute converts a route to the library's type.
func netlinkRoute(route Route) *netlink.Route {
	return &netlink.Route{
		Dst:       netipx.PrefixIPNet(route.Dst),
		Gw:        route.Via.AsSlice(),
		LinkIndex: route.Link,
		Protocol:  netlink.RouteProtocol(route.Protocol),
		Table:     unix.RT_TABLE_MAIN,
	}
}
