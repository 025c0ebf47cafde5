package agent

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/agent/kernel"
	"github.com/dualstrap/dualstrap/internal/family"
	"github.com/dualstrap/dualstrap/internal/plural"
	"github.com/dualstrap/dualstrap/render/cni"
)

// view is the cluster from the perspective of one node. Its methods compute the desired state.
type view struct {
	self     Node
	others   []Node
	flatIPv4 bool
}

// viewFrom returns the view of the node called self. It returns false if there is no such node.
func viewFrom(self string, nodes []Node, flatIPv4 bool) (view, bool) {
	v := view{flatIPv4: flatIPv4}
	found := false
	for _, node := range nodes {
		if node.Name == self {
			v.self, found = node, true
		} else {
			v.others = append(v.others, node)
		}
	}
	return v, found
}

// uplinkOf returns the interface that holds the node's InternalIP of a family.
func (v view) uplinkOf(f family.Family, state kernel.State) (kernel.Link, error) {
	addr := v.self.Addrs[f]
	if !addr.IsValid() {
		return kernel.Link{}, fmt.Errorf("node %s has no %s InternalIP: the kubelet's --node-ip must name an address of each family",
			v.self.Name, f)
	}
	// The InternalIP decides, not the default route: a host may have several uplinks, and the addresses of nodes are on
	// one.
	for _, address := range state.Addresses {
		if address.Addr != addr {
			continue
		}
		for _, link := range state.Links {
			if link.Index == address.Link {
				return link, nil
			}
		}
	}
	return kernel.Link{}, fmt.Errorf("no interface holds %s, the %s InternalIP of node %s", addr, f, v.self.Name)
}

// wantedRoutes returns routes to the pods of every other node, via that node's InternalIP. Ranges that an allocator
// would not assign are left out and reported in the error: a route to them would divert traffic of another node, of the
// node's own pods, or to the nodes themselves.
func (v view) wantedRoutes(f family.Family, uplink kernel.Link) ([]kernel.Route, error) {
	routes := make([]kernel.Route, 0, len(v.others))
	for _, node := range v.others {
		if node.Pods[f].IsValid() && node.Addrs[f].IsValid() {
			routes = append(routes, kernel.Route{Dst: node.Pods[f], Via: node.Addrs[f], Link: uplink.Index, Protocol: kernel.Protocol})
		}
	}
	// Sorted in this way, a range directly follows the range that contains it, so comparing neighbours finds all
	// overlaps.
	slices.SortFunc(routes, func(a, b kernel.Route) int {
		return cmp.Or(a.Dst.Addr().Compare(b.Dst.Addr()), cmp.Compare(a.Dst.Bits(), b.Dst.Bits()), a.Via.Compare(b.Via))
	})
	var refused []string
	kept := routes[:0]
	for _, route := range routes {
		switch {
		// Routes are kept in order, so of two overlapping ranges the first one wins, in every round alike.
		case len(kept) > 0 && kept[len(kept)-1].Dst.Overlaps(route.Dst):
			refused = append(refused, fmt.Sprintf("%s of node %s overlaps %s of node %s", route.Dst, route.Via,
				kept[len(kept)-1].Dst, kept[len(kept)-1].Via))
		case v.self.Pods[f].IsValid() && v.self.Pods[f].Overlaps(route.Dst):
			refused = append(refused, fmt.Sprintf("%s of node %s overlaps this node's %s", route.Dst, route.Via, v.self.Pods[f]))
		case route.Dst.Contains(route.Via), route.Dst.Contains(v.self.Addrs[f]):
			refused = append(refused, fmt.Sprintf("%s of node %s holds addresses of nodes", route.Dst, route.Via))
		default:
			kept = append(kept, route)
		}
	}
	if len(refused) > 0 {
		return kept, fmt.Errorf("cannot route to %s: %s", plural.Of(len(refused), "pod range"), refused[0])
	}
	return kept, nil
}

// wantedProxies returns neighbour proxies on the uplink for the node's existing pods: the destinations of the host
// routes that the CNI plugin ptp adds, one per pod and family.
func (v view) wantedProxies(f family.Family, uplink kernel.Link, routes []kernel.Route) []kernel.Proxy {
	pods := v.self.Pods[f]
	if f == family.IPv4 && !v.flatIPv4 || !pods.IsValid() {
		return nil
	}
	var proxies []kernel.Proxy
	for _, route := range routes {
		addr := route.Dst.Addr()
		// The agent's own routes lead to other nodes. One that led to an address of this node's range is about to be
		// removed.
		isPlugins := route.Protocol != kernel.ProtocolKernel && route.Protocol != kernel.Protocol
		if route.Dst.IsSingleIP() && pods.Contains(addr) && isPlugins && route.Link != uplink.Index {
			proxies = append(proxies, kernel.Proxy{Addr: addr, Link: uplink.Index, Protocol: kernel.Protocol})
		}
	}
	return proxies
}

// wantedNAT returns the translation that gives IPv4 traffic to the outside the node's address, or nil if IPv4 is flat.
func (v view) wantedNAT(uplink kernel.Link) (*kernel.NAT, error) {
	if v.flatIPv4 {
		return nil, nil // flat IPv4 is not translated
	}
	// The set merges consecutive blocks, and an nft set refuses overlapping elements.
	var inside netipx.IPSetBuilder
	for _, node := range append([]Node{v.self}, v.others...) {
		if node.Addrs[family.IPv4].IsValid() {
			inside.Add(node.Addrs[family.IPv4])
		}
		if node.Pods[family.IPv4].IsValid() {
			inside.AddPrefix(node.Pods[family.IPv4])
		}
	}
	cluster, err := inside.IPSet()
	if err != nil {
		return nil, fmt.Errorf("cannot join the IPv4 addresses of nodes and pods: %w", err)
	}
	local := netipx.RangeOfPrefix(v.self.Pods[family.IPv4])
	return &kernel.NAT{Cluster: cluster.Ranges(), Local: []netipx.IPRange{local}, Uplink: uplink.Name}, nil
}

// wantedSysctls returns the sysctls without which the pod network does not work. Those of an uplink are left out while
// its name is unknown. ip_forward comes first, because writing it resets other sysctls to their defaults.
func (v view) wantedSysctls(uplinks family.Pair[kernel.Link]) []kernel.Sysctl {
	wanted := []kernel.Sysctl{
		// A node forwards packets of its pods.
		{Path: "ipv4/ip_forward", Value: "1"},
		{Path: "ipv6/conf/all/forwarding", Value: "1"},
		{Path: "ipv6/conf/default/forwarding", Value: "1"},
		// Loose: a reply may arrive on another interface than the one that the route back uses. Sources of pods are
		// checked by the guard.
		{Path: "ipv4/conf/all/rp_filter", Value: "2"},
		// Pods are reached through their node, and a redirect would lead past it.
		{Path: "ipv4/conf/all/send_redirects", Value: "0"},
		// The uplink's own proxy_ndp is not sufficient: the kernel checks only "all" when a neighbour probes an address
		// that it has cached, and pods would become unreachable.
		{Path: "ipv6/conf/all/proxy_ndp", Value: "1"},
	}
	if uplink := uplinks[family.IPv4].Name; uplink != "" {
		wanted = append(wanted, kernel.Sysctl{Path: "ipv4/conf/" + uplink + "/send_redirects", Value: "0"})
		if v.flatIPv4 {
			// By default the kernel delays answers on behalf of others by up to 0.8 s, so that the owner may answer
			// first.
			wanted = append(wanted, kernel.Sysctl{Path: "ipv4/neigh/" + uplink + "/proxy_delay", Value: "0"})
		}
	}
	if uplink := uplinks[family.IPv6].Name; uplink != "" {
		wanted = append(wanted,
			// Without it, static IPv6 addresses disappear when the interface goes down.
			kernel.Sysctl{Path: "ipv6/conf/" + uplink + "/keep_addr_on_down", Value: "1"},
			kernel.Sysctl{Path: "ipv6/neigh/" + uplink + "/proxy_delay", Value: "0"})
	}
	return wanted
}

// wantedCNI returns the CNI configuration for the node's own ranges, with the smaller MTU of the two uplinks: a pod has
// one link for both families.
func (v view) wantedCNI(uplinks family.Pair[kernel.Link]) ([]byte, error) {
	if missing := v.withoutPods(); missing != "" {
		return nil, fmt.Errorf("node %s has no %s podCIDR yet", v.self.Name, missing)
	}
	mtu := 0 // unknown: left to the kernel
	for _, uplink := range uplinks {
		if uplink.MTU > 0 && (mtu == 0 || uplink.MTU < mtu) {
			mtu = uplink.MTU
		}
	}
	return cni.ConfList(v.self.Pods, mtu)
}

// withoutPods returns the families of which the node has no pod range, as text for an error; empty if it has both.
func (v view) withoutPods() string {
	var missing []string
	for _, f := range family.All() {
		if !v.self.Pods[f].IsValid() {
			missing = append(missing, f.String())
		}
	}
	return strings.Join(missing, " and no ")
}
