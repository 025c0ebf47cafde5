package agent

import (
	"net/netip"

	"github.com/dualstrap/dualstrap/agent/kernel"
)

// changes turn what there is into what is wanted. Removals come first: a route to a range must go
// before one to the same range by another node can be added.
type changes[T any] struct{ remove, add []T }

// count is how many changes there are.
func (c changes[T]) count() int { return len(c.remove) + len(c.add) }

// differ compares by key. What is there, not wanted and not disposable stays.
func differ[T any, K comparable](have, want []T, key func(T) K, disposable func(T) bool) changes[T] {
	wanted := make(map[K]bool, len(want))
	for _, item := range want {
		wanted[key(item)] = true
	}
	there := make(map[K]bool, len(want))
	var c changes[T]
	for _, item := range have {
		if k := key(item); wanted[k] {
			there[k] = true
		} else if disposable(item) {
			c.remove = append(c.remove, item)
		}
	}
	for _, item := range want {
		if !there[key(item)] {
			c.add = append(c.add, item)
		}
	}
	return c
}

// routeChanges removes none but the agent's own routes of a family. Routes of others to a wanted
// destination stay: adding the agent's then fails, and says so.
func routeChanges(f family, have, want []kernel.Route) changes[kernel.Route] {
	return differ(have, want, func(route kernel.Route) kernel.Route { return route }, func(route kernel.Route) bool {
		return route.Protocol == kernel.Protocol && familyOf(route.Dst.Addr()) == f
	})
}

// proxyChanges removes none but proxies of a family that the agent made, for this range or one that the
// node had before, and those inside the node's own pod range, which nobody else has a say in.
func proxyChanges(f family, pods netip.Prefix, have, want []kernel.Proxy) changes[kernel.Proxy] {
	place := func(proxy kernel.Proxy) kernel.Proxy { return kernel.Proxy{Addr: proxy.Addr, Link: proxy.Link} }
	return differ(have, want, place, func(proxy kernel.Proxy) bool {
		return familyOf(proxy.Addr) == f && (proxy.Protocol == kernel.Protocol || pods.Contains(proxy.Addr))
	})
}
