package agent

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/agent/announce"
	"github.com/dualstrap/dualstrap/agent/kernel"
	"github.com/dualstrap/dualstrap/internal/family"
	"github.com/dualstrap/dualstrap/internal/plural"
)

// reconciler compares the desired state with the actual state and corrects the differences. It is not safe for
// concurrent use.
type reconciler struct {
	// A round changes kernel, sysctls and cniDir.
	kernel   *kernel.Kernel
	sysctls  kernel.Sysctls
	cniDir   string
	nodeName string
	flatIPv4 bool
	// podRanges are the ranges from which pods of any node get addresses.
	podRanges []netip.Prefix

	// unannounced are the addresses, by family, whose new proxies have not been announced on the L2. They are retried
	// in the next round: shortly after the uplink has come up, its own address cannot be used yet.
	unannounced family.Pair[[]netip.Addr]
}

// outcome is the result of one part of a round. A part that fails does not stop the others.
type outcome struct {
	// part is the name of the part in logs and metrics.
	part string
	// changed is the number of changes that were made.
	changed int
	err     error
}

// reconcileRun is the input of one round: the cluster and the kernel as they were when it started.
type reconcileRun struct {
	*reconciler
	view  view
	state kernel.State
	// uplinks and uplinkErr are indexed by family. An uplink is the zero Link if its error is set.
	uplinks   family.Pair[kernel.Link]
	uplinkErr family.Pair[error]
	// unguarded is the error because of which the rules against forged sources may be missing. While it is set, the CNI
	// configuration is not written, so that no pod starts.
	unguarded error
}

// run executes one round: it reads the state of the kernel and corrects all differences from the desired state. nodes
// are all Nodes of the API server. It returns one outcome for each part, or a single one if the round could not start.
func (r *reconciler) run(nodes []Node) []outcome {
	now := reconcileRun{reconciler: r}
	var found bool
	if now.view, found = viewFrom(r.nodeName, nodes, r.flatIPv4); !found {
		return []outcome{{part: "node", err: fmt.Errorf("there is no node %s: what is in place stays until there is", r.nodeName)}}
	}
	var err error
	if now.state, err = r.kernel.Read(); err != nil {
		return []outcome{{part: "kernel", err: err}}
	}
	// A family without a usable uplink fails on its own; the other one is still reconciled.
	for _, f := range family.All() {
		now.uplinks[f], now.uplinkErr[f] = now.view.uplinkOf(f, now.state)
	}
	outcomes := []outcome{{part: "node"}, {part: "kernel"}}
	// The order matters: sysctls come before the addresses and routes that they affect, the guard before pods can
	// start, and the CNI configuration, with which they start, last.
	for _, part := range []struct {
		name string
		sync func() (int, error)
	}{
		{"sysctls", now.syncSysctls},
		{"nftables", now.syncRules},
		{"routes-ipv4", func() (int, error) { return now.syncRoutes(family.IPv4) }},
		{"routes-ipv6", func() (int, error) { return now.syncRoutes(family.IPv6) }},
		{"proxies-ipv4", func() (int, error) { return now.syncProxies(family.IPv4) }},
		{"proxies-ipv6", func() (int, error) { return now.syncProxies(family.IPv6) }},
		{"cni", now.syncCNI},
	} {
		changed, err := part.sync()
		outcomes = append(outcomes, outcome{part.name, changed, err})
	}
	return outcomes
}

// check returns the reason why the uplink of a family cannot be used, or nil.
func (r *reconcileRun) check(f family.Family) error {
	if r.uplinkErr[f] == nil && !r.uplinks[f].Up {
		return fmt.Errorf("interface %s is down", r.uplinks[f].Name)
	}
	return r.uplinkErr[f]
}

// syncSysctls sets the sysctls and returns the number of changes.
func (r *reconcileRun) syncSysctls() (int, error) {
	changed := 0
	var failures []error
	for _, sysctl := range r.view.wantedSysctls(r.uplinks) {
		set, err := r.sysctls.Set(sysctl)
		if set {
			changed++
		}
		failures = append(failures, err)
	}
	return changed, first(failures)
}

// syncRoutes corrects the routes of a family and returns the number of changes. Pod ranges that must not be routed are
// an error, but do not keep the other routes from being added.
func (r *reconcileRun) syncRoutes(f family.Family) (int, error) {
	if err := r.check(f); err != nil {
		return 0, err
	}
	wanted, refused := r.view.wantedRoutes(f, r.uplinks[f])
	made, err := apply(routeChanges(f, r.state.Routes, wanted), r.kernel.DeleteRoute, r.kernel.AddRoute)
	return made.count(), first([]error{err, refused})
}

// syncProxies corrects the neighbour proxies of a family, announces new ones, and returns the number of changes.
func (r *reconcileRun) syncProxies(f family.Family) (int, error) {
	if err := r.check(f); err != nil {
		return 0, err
	}
	pods := r.view.self.Pods[f]
	if !pods.IsValid() {
		return 0, nil // proxies of the previous range stay until the node has another
	}
	wanted := r.view.wantedProxies(f, r.uplinks[f], r.state.Routes)
	made, err := apply(proxyChanges(f, pods, r.state.Proxies, wanted), r.kernel.DeleteProxy, r.kernel.AddProxy)
	// Neighbours may have cached another location of the address, from when another node had the range.
	for _, proxy := range made.add {
		r.unannounced[f] = append(r.unannounced[f], proxy.Addr)
	}
	return made.count(), first([]error{err, r.announce(f, wanted)})
}

// announce announces new proxies on the L2, except for those that are not wanted anymore.
func (r *reconcileRun) announce(f family.Family, wanted []kernel.Proxy) error {
	stale := func(addr netip.Addr) bool {
		return !slices.ContainsFunc(wanted, func(proxy kernel.Proxy) bool { return proxy.Addr == addr })
	}
	// The pod may have been deleted since its proxy was added.
	addrs := slices.DeleteFunc(r.unannounced[f], stale)
	r.unannounced[f] = addrs
	if len(addrs) == 0 {
		return nil
	}
	send := announce.GratuitousARP
	if f == family.IPv6 {
		send = announce.NeighborAdvertisements
	}
	if err := send(announce.Link{Name: r.uplinks[f].Name, Source: r.view.self.Addrs[f]}, addrs); err != nil {
		return err
	}
	r.unannounced[f] = nil
	return nil
}

// syncCNI writes the CNI configuration and returns the number of changes. It runs last, because pods start once the
// file exists.
func (r *reconcileRun) syncCNI() (int, error) {
	if r.unguarded != nil {
		return 0, fmt.Errorf("pods could send with any address: %w", r.unguarded)
	}
	content, err := r.view.wantedCNI(r.uplinks)
	if err := first([]error{r.uplinkErr[family.IPv4], r.uplinkErr[family.IPv6], err}); err != nil {
		return 0, err
	}
	changed, err := writeCNI(r.cniDir, content)
	if changed {
		return 1, err
	}
	return 0, err
}

// apply makes changes one by one and returns those that were made. A change that fails does not stop the others.
func apply[T any](wanted changes[T], remove, add func(T) error) (changes[T], error) {
	var made changes[T]
	var failures []error
	for _, step := range []struct {
		items []T
		do    func(T) error
		done  *[]T
	}{{wanted.remove, remove, &made.remove}, {wanted.add, add, &made.add}} {
		for _, item := range step.items {
			if err := step.do(item); err != nil {
				failures = append(failures, err)
			} else {
				*step.done = append(*step.done, item)
			}
		}
	}
	return made, first(failures)
}

// first returns the first error, with the number of further ones, or nil. Thousands of routes usually fail for the same
// reason, so one message is enough.
func first(failures []error) error {
	failures = slices.DeleteFunc(failures, func(err error) bool { return err == nil })
	switch len(failures) {
	case 0:
		return nil
	case 1:
		return failures[0]
	}
	return fmt.Errorf("%w (and %s more)", failures[0], plural.Of(len(failures)-1, "failure"))
}
