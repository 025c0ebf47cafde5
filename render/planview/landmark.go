package planview

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

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

// marker is an address, or a range of them, on the L2.
type marker struct {
	kind        kind
	name        string
	first, last netip.Addr
	node        *node    // of kindNode
	region      *region  // of kindPods
	inner       []marker // VIPs inside an address pool
}

// addLoadBalancer puts VIPs and address pools on the L2. Load balancers of the operator's own may
// be anywhere.
func (t *familyMap) addLoadBalancer(lb *api.LoadBalancer) {
	var vips []marker
	add := func(name string, a netip.Addr) {
		if a.IsValid() && api.FamilyOf(a) == t.family {
			vips = append(vips, marker{kind: kindVIP, name: name, first: a, last: a})
		}
	}
	add(fmt.Sprintf("API server, port %d", lb.Port), lb.ControlPlaneVIP)
	add("ingress", lb.IngressVIP)
	if !lb.Bundled {
		t.elsewhere = inOrder(vips)
		return
	}
	for i := range lb.Pools {
		for _, r := range lb.Pools[i].Addresses {
			if api.FamilyOf(r.From()) != t.family {
				continue
			}
			pool := marker{kind: kindPool, name: lb.Pools[i].Name, first: r.From(), last: r.To()}
			vips = slices.DeleteFunc(vips, func(v marker) bool {
				inside := r.Contains(v.first)
				if inside {
					pool.inner = append(pool.inner, v)
				}
				return inside
			})
			t.landmarks = append(t.landmarks, pool)
		}
	}
	t.landmarks = append(t.landmarks, vips...)
}

// inOrder sorts by address.
func inOrder(ls []marker) []marker {
	slices.SortStableFunc(ls, func(a, b marker) int { return a.first.Compare(b.first) })
	return ls
}

// bounds is the smallest prefix that holds all of them; they are in address order and not none.
func bounds(ls []marker) netip.Prefix {
	last := ls[0].last
	for _, l := range ls {
		if last.Less(l.last) {
			last = l.last
		}
	}
	return covering(ls[0].first, last)
}

// fewer leaves out pod ranges that there is no room for and tells how many.
func fewer(ls []marker) (kept []marker, hidden int) {
	ranges := 0
	for _, l := range ls {
		if l.kind == kindPods {
			ranges++
		}
		if l.kind != kindPods || ranges <= maxRegions {
			kept = append(kept, l)
		} else {
			hidden += l.region.size()
		}
	}
	return kept, hidden
}

// lane is landmarks of one kind with nothing of another kind in between.
type lane struct {
	kind      kind
	landmarks []marker
	// apart is set when there are other addresses between this lane and the one before it.
	apart bool
	// unknown is the lane of nodes whose addresses are unknown; it has no landmarks.
	unknown bool
}

// maxLanes bounds a picture's height: beyond, the order by address gives way to one lane per kind.
const maxLanes = 10

// lanes groups landmarks, which are in address order, and tells whether the lanes are as well.
func lanes(ls []marker) (all []lane, ordered bool) {
	grouped := group(ls)
	if len(grouped) <= maxLanes {
		return grouped, true
	}
	byKind := slices.Clone(ls)
	slices.SortStableFunc(byKind, func(a, b marker) int { return cmp.Compare(a.kind.order(), b.kind.order()) })
	return group(byKind), false
}

// group begins a new lane wherever the kind changes; every pod range has a lane of its own.
func group(ls []marker) []lane {
	var all []lane
	for i, l := range ls {
		if i == 0 || ls[i-1].kind != l.kind || l.kind == kindPods {
			apart := i > 0 && ls[i-1].last.Next() != l.first
			all = append(all, lane{kind: l.kind, apart: apart})
		}
		all[len(all)-1].landmarks = append(all[len(all)-1].landmarks, l)
	}
	return all
}

// order is the place of a kind among lanes that are no longer in the order of addresses.
func (k kind) order() int {
	return slices.Index([]kind{kindNode, kindVIP, kindPool, kindClient, kindPods}, k)
}
