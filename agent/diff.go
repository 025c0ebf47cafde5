package agent

import (
	"net/netip"

	"github.com/dualstrap/dualstrap/agent/kernel"
	"github.com/dualstrap/dualstrap/internal/family"
)

// changes lists the items to remove and to add to get from the actual to the desired state. Removals come first: a
// route has to be removed before another node's route to the same range can be added.
type changes[T any] struct{ remove, add []T }

// count returns the number of changes.
func (c changes[T]) count() int { return len(c.remove) + len(c.add) }

// differ compares two lists by key. An existing item that is neither wanted nor disposable stays.
func differ[T any, K comparable](have, want []T, key func(T) K, disposable func(T) bool) changes[T] {
	// Maps keep a round linear in the number of nodes: clusters have thousands.
	wanted := make(map[K]bool, len(want))
	for _, item := range want {
		wanted[key(item)] = true
	}
	existing := make(map[K]bool, len(want))
	var c changes[T]
	for _, item := range have {
		if k := key(item); wanted[k] {
			existing[k] = true
		} else if disposable(item) {
			c.remove = append(c.remove, item)
		}
	}
	for _, item := range want {
		if !existing[key(item)] {
			c.add = append(c.add, item)
		}
	}
	return c
}

// routeChanges returns the changes to the routes of a family. It removes only the agent's own routes. A third-party
// route to a wanted destination stays; adding the agent's route then fails with an error that names it.
func routeChanges(f family.Family, have, want []kernel.Route) changes[kernel.Route] {
	return differ(have, want, func(route kernel.Route) kernel.Route { return route }, func(route kernel.Route) bool {
		return route.Protocol == kernel.Protocol && family.Of(route.Dst.Addr()) == f
	})
}

// proxyChanges returns the changes to the neighbour proxies of a family. It removes proxies that the agent made, for
// this range or a previous one, and all proxies inside the node's own pod range, to which no other program has a claim.
// Existing proxies are compared without their protocol: the kernel answers in either case.
func proxyChanges(f family.Family, pods netip.Prefix, have, want []kernel.Proxy) changes[kernel.Proxy] {
	place := func(proxy kernel.Proxy) kernel.Proxy { return kernel.Proxy{Addr: proxy.Addr, Link: proxy.Link} }
	return differ(have, want, place, func(proxy kernel.Proxy) bool {
		return family.Of(proxy.Addr) == f && (proxy.Protocol == kernel.Protocol || pods.Contains(proxy.Addr))
	})
}
