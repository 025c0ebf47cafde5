package kernel

import (
	"context"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Watch calls changed once at the start, and then whenever links, addresses or routes change, until the context ends.
// It does not report what has changed: the caller reads the whole state again. Changes of neighbour proxies are not
// included, because the kernel does not announce them.
func Watch(ctx context.Context, changed func()) error {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{Groups: groups(
		unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE,
	)})
	if err != nil {
		return fmt.Errorf("cannot watch the kernel's links, addresses and routes: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // makes Receive return
	defer func() {
		if stop() {
			_ = conn.Close() // nothing was written
		}
	}()
	changed() // covers changes from before the socket was open
	for {
		// The messages are not decoded, because the caller reads everything again.
		_, err := conn.Receive()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !errors.Is(err, unix.ENOBUFS): // a full socket buffer means that there were changes
			return fmt.Errorf("cannot watch the kernel's links, addresses and routes: %w", err)
		}
		changed()
	}
}

// groups returns the bit mask of multicast groups, whose numbers start at 1.
func groups(numbers ...uint32) uint32 {
	var mask uint32
	for _, number := range numbers {
		mask |= 1 << (number - 1)
	}
	return mask
}
