package agent

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/agent/announce"
	"github.com/dualstrap/dualstrap/agent/kernel"
	"github.com/dualstrap/dualstrap/internal/plural"
)

// reconciler makes good the difference between what is wanted and what there is.
type reconciler struct {
	kernel   *kernel.Kernel
	sysctls  kernel.Sysctls
	cniDir   string
	nodeName string
	flatIPv4 bool
	// podRanges are where pods of any node may be.
	podRanges []netip.Prefix

	// unannounced are addresses whose proxies are new, of each family. They stay until they could be
	// announced: an address of the uplink itself takes a moment after it went up.
	unannounced [2][]netip.Addr
}

// outcome is what became of one part of a round. A part that fails does not stop the others.
type outcome struct {
	part    string
	changed int
	err     error
}

// reconcileRun is what the parts of one round go by.
type reconcileRun struct {
	*reconciler
	view      view
	state     kernel.State
	uplinks   [2]kernel.Link
	uplinkErr [2]error
	// unguarded is why pods would be believed whatever they say.
	unguarded error
}

// run looks at everything and puts right what differs. nodes are all that the API server has.
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
	for _, f := range families() {
		now.uplinks[f], now.uplinkErr[f] = now.view.uplinkOf(f, now.state)
	}
	outcomes := []outcome{{part: "node"}, {part: "kernel"}}
	for _, part := range []struct {
		name string
		sync func() (int, error)
	}{
		{"sysctls", now.syncSysctls},
		{"nftables", now.syncRules},
		{"routes-ipv4", func() (int, error) { return now.syncRoutes(ipv4) }},
		{"routes-ipv6", func() (int, error) { return now.syncRoutes(ipv6) }},
		{"proxies-ipv4", func() (int, error) { return now.syncProxies(ipv4) }},
		{"proxies-ipv6", func() (int, error) { return now.syncProxies(ipv6) }},
		{"cni", now.syncCNI},
	} {
		changed, err := part.sync()
		outcomes = append(outcomes, outcome{part.name, changed, err})
	}
	return outcomes
}

// check reports why the uplink of a family cannot be used.
func (r *reconcileRun) check(f family) error {
	if r.uplinkErr[f] == nil && !r.uplinks[f].Up {
		return fmt.Errorf("interface %s is down", r.uplinks[f].Name)
	}
	return r.uplinkErr[f]
}

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

func (r *reconcileRun) syncRoutes(f family) (int, error) {
	if err := r.check(f); err != nil {
		return 0, err
	}
	wanted, refused := r.view.wantedRoutes(f, r.uplinks[f])
	made, err := apply(routeChanges(f, r.state.Routes, wanted), r.kernel.DeleteRoute, r.kernel.AddRoute)
	return made.count(), first([]error{err, refused})
}

func (r *reconcileRun) syncProxies(f family) (int, error) {
	if err := r.check(f); err != nil {
		return 0, err
	}
	pods := r.view.self.Pods[f]
	if !pods.IsValid() {
		return 0, nil // those of the range the node had before stay until it has another
	}
	wanted := r.view.wantedProxies(f, r.uplinks[f], r.state.Routes)
	made, err := apply(proxyChanges(f, pods, r.state.Proxies, wanted), r.kernel.DeleteProxy, r.kernel.AddProxy)
	for _, proxy := range made.add {
		r.unannounced[f] = append(r.unannounced[f], proxy.Addr)
	}
	return made.count(), first([]error{err, r.announce(f, wanted)})
}

// announce tells the L2 of new proxies, if they are wanted still.
func (r *reconcileRun) announce(f family, wanted []kernel.Proxy) error {
	stale := func(addr netip.Addr) bool {
		return !slices.ContainsFunc(wanted, func(proxy kernel.Proxy) bool { return proxy.Addr == addr })
	}
	addrs := slices.DeleteFunc(r.unannounced[f], stale)
	r.unannounced[f] = addrs
	if len(addrs) == 0 {
		return nil
	}
	send := announce.GratuitousARP
	if f == ipv6 {
		send = announce.NeighborAdvertisements
	}
	if err := send(announce.Link{Name: r.uplinks[f].Name, Source: r.view.self.Addrs[f]}, addrs); err != nil {
		return err
	}
	r.unannounced[f] = nil
	return nil
}

// syncCNI comes last: with it pods come.
func (r *reconcileRun) syncCNI() (int, error) {
	if r.unguarded != nil {
		return 0, fmt.Errorf("pods could send with any address: %w", r.unguarded)
	}
	content, err := r.view.wantedCNI(r.uplinks)
	if err := first([]error{r.uplinkErr[ipv4], r.uplinkErr[ipv6], err}); err != nil {
		return 0, err
	}
	changed, err := writeCNI(r.cniDir, content)
	if changed {
		return 1, err
	}
	return 0, err
}

// apply makes changes one by one and gives those that were made. One that fails does not stop the others.
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

// first gives the first failure and how many more there are: thousands of routes that fail do so for
// one reason.
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
