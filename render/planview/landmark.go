package planview

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/api"
)

// kind is the purpose of an address.
type kind string

// The values are the words at the left of the lanes.
const (
	kindPods   kind = "Pods"
	kindNode   kind = "Nodes"
	kindVIP    kind = "VIPs"
	kindPool   kind = "Pools"
	kindClient kind = "Client"
)

// marker is an address, or a range of them, on the L2. It is not valid for a node whose address is unknown.
type marker struct {
	netipx.IPRange
	kind   kind
	name   string
	node   *node    // of kindNode
	region region   // of kindPods
	inner  []marker // VIPs inside an address pool
}

// mark appends an address if it is one of the family.
func (t *familyMap) mark(ms []marker, kind kind, name string, a netip.Addr) []marker {
	if !a.IsValid() || api.FamilyOf(a) != t.family {
		return ms
	}
	return append(ms, marker{kind: kind, name: name, IPRange: single(a)})
}

// addLoadBalancer puts VIPs and address pools on the L2. Load balancers of the operator's own may
// be anywhere.
func (t *familyMap) addLoadBalancer(lb *api.LoadBalancer) {
	vips := t.mark(nil, kindVIP, fmt.Sprintf("API server, port %d", lb.Port), lb.ControlPlaneVIP)
	vips = t.mark(vips, kindVIP, "ingress", lb.IngressVIP)
	if lb.ControlPlane == api.ControlPlaneExternal {
		t.elsewhere = vips
		return
	}
	for i := range lb.Pools {
		for _, r := range lb.Pools[i].Addresses {
			if api.FamilyOf(r.From()) != t.family {
				continue
			}
			pool := marker{kind: kindPool, name: lb.Pools[i].Name, IPRange: r}
			vips = slices.DeleteFunc(vips, func(v marker) bool {
				if r.Contains(v.From()) {
					pool.inner = append(pool.inner, v)
				}
				return r.Contains(v.From())
			})
			t.landmarks = append(t.landmarks, pool)
		}
	}
	t.landmarks = append(t.landmarks, vips...)
}

// maxLanes bounds a picture's height: beyond, the order by address gives way to one lane per kind.
const maxLanes = 10

// lanes puts markers in the order of addresses, nodes whose address is unknown last, and begins a new lane wherever the
// kind changes. It reports whether the lanes are in the order of addresses as well.
func lanes(ms []marker) (all [][]marker, ordered bool) {
	byAddress := func(a, b marker) int {
		return cmp.Or(cmp.Compare(b.From().BitLen(), a.From().BitLen()), a.From().Compare(b.From())) // An unknown address has no bits.
	}
	slices.SortStableFunc(ms, byAddress)
	if all = group(ms); len(all) > maxLanes {
		slices.SortStableFunc(ms, func(a, b marker) int { return cmp.Compare(a.kind, b.kind) })
		all = group(ms)
	}
	return all, slices.IsSortedFunc(ms, byAddress)
}

// group begins a new lane wherever the kind changes. Every pod range has a lane of its own.
func group(ms []marker) [][]marker {
	var all [][]marker
	for i, m := range ms {
		if i == 0 || ms[i-1].kind != m.kind || ms[i-1].IsValid() != m.IsValid() || m.kind == kindPods {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], m)
	}
	return all
}
