package kernel

import (
	"context"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Watch calls changed whenever links, addresses or routes change, until the context ends. What has
// changed it does not tell: the caller reads all anew. Changes of neighbour proxies are not among
// them, because the kernel announces none.
func Watch(ctx context.Context, changed func()) error {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{Groups: groups(
		unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE,
	)})
	if err != nil {
		return fmt.Errorf("cannot watch the kernel's links, addresses and routes: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // which ends Receive
	defer func() {
		if stop() {
			_ = conn.Close() // it was only read from
		}
	}()
	changed() // what happened before the socket was there is seen, too
	for {
		_, err := conn.Receive()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !errors.Is(err, unix.ENOBUFS): // more changes than the socket holds are changes
			return fmt.Errorf("cannot watch the kernel's links, addresses and routes: %w", err)
		}
		changed()
	}
}

// groups makes the mask of multicast groups from their numbers.
func groups(numbers ...uint32) uint32 {
	var mask uint32
	for _, number := range numbers {
		mask |= 1 << (number - 1)
	}
	return mask
}
