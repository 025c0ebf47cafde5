package ledger

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/dualstrap/dualstrap/allocator"
	"github.com/dualstrap/dualstrap/internal/family"
)

// Ledger records what every node of a cluster holds, was promised, or waits for. It is not safe for concurrent use.
type Ledger struct {
	// blocks records which blocks are in use: those that nodes hold and those that were promised.
	blocks *allocator.Allocator
	// configs and reserved are the last arguments of SetConfigs and SetReserved.
	configs  []allocator.Config
	reserved []netip.Prefix
	// nodes holds all known Nodes by name.
	nodes map[string]*entry
	// waiting holds the nodes that the next Assign serves. stuck holds those that it could not serve: they wait for a
	// change of the configs, of their labels, or of what is free.
	waiting, stuck map[string]*entry
}

// Node is the state of a Node object, as far as pod ranges are concerned.
type Node struct {
	Name string
	UID  types.UID
	// Version is the object's resourceVersion, by which stale observations are recognized.
	Version string
	// Created is the object's creationTimestamp. Of the nodes that wait at the same time, the oldest is served first.
	Created time.Time
	// Leaving reports whether the object is being deleted. It keeps what it holds until it is gone, but gets nothing
	// more.
	Leaving bool
	// Labels are retained. The caller must not change them.
	Labels map[string]string
	// PodCIDRs are those of its spec.
	PodCIDRs []netip.Prefix
}

// entry is the record of a node.
type entry struct {
	Node
	// promised holds the blocks that the node is going to hold. The zero value means that nothing was promised.
	promised allocator.Assignment
	// reported holds the last message of each reason, so that no message is reported twice.
	reported map[Reason]string
}

// Assignment is a promise to a node, which the caller has to write to the Node with this UID.
type Assignment struct {
	Node string
	UID  types.UID
	// Config is the name of the ClusterCIDRConfig that the blocks are from.
	Config   string
	PodCIDRs family.Pair[netip.Prefix]
}

// New returns the Ledger of a cluster without nodes and configs.
func New() *Ledger {
	l := &Ledger{nodes: map[string]*entry{}, waiting: map[string]*entry{}, stuck: map[string]*entry{}}
	l.blocks, _ = allocator.New(nil) // New returns errors about configs only
	return l
}

// Observe records Nodes, and reports what is wrong with podCIDRs that they already have. Older Nodes come first, so
// that of two Nodes with the same podCIDRs the newer one is reported.
func (l *Ledger) Observe(nodes ...Node) []Report {
	slices.SortFunc(nodes, byAge)
	var reports []Report
	for _, n := range nodes {
		reports = append(reports, l.observe(n)...)
	}
	return reports
}

// observe records one Node. It reports on podCIDRs in every observation; entry.report drops what was reported before.
func (l *Ledger) observe(n Node) []Report {
	e, known := l.nodes[n.Name]
	switch {
	case known && older(n.Version, e.Version):
		return nil
	case known && e.UID != n.UID: // deleted and created again, and the watch missed the deletion
		l.remove(e)
		known = false
	}
	if !known {
		e = &entry{reported: map[Reason]string{}}
		l.nodes[n.Name] = e
	}
	before := e.Node
	e.Node = n
	switch {
	case len(n.PodCIDRs) > 0:
		l.adopt(e, before.PodCIDRs)
	case len(before.PodCIDRs) > 0: // podCIDRs are immutable: the observation is wrong, not the record
		e.PodCIDRs = before.PodCIDRs
	case !known || n.Leaving || !sameLabels(before.Labels, n.Labels):
		l.wait(e)
	}
	return e.reportFindings(l.blocks.Add(e.allocatorNode()))
}

// adopt records that a node holds podCIDRs, which ends its promise. held are those that it held before.
func (l *Ledger) adopt(e *entry, held []netip.Prefix) {
	promised := e.promised.PodCIDRs
	delete(l.waiting, e.Name)
	delete(l.stuck, e.Name)
	e.promised = allocator.Assignment{}
	e.forget(CIDRNotAvailable, NoMatchingConfig, AssignmentFailed)
	if len(held) == 0 && promised[family.IPv4].IsValid() && !slices.Equal(e.PodCIDRs, promised[:]) {
		l.retry() // another writer was faster, and the promised block is free again
	}
}

// wait queues a node for the next Assign, unless it holds or was promised blocks, or is being deleted.
func (l *Ledger) wait(e *entry) {
	delete(l.stuck, e.Name)
	delete(l.waiting, e.Name)
	if !e.isPromised() && len(e.PodCIDRs) == 0 && !e.Leaving {
		l.waiting[e.Name] = e
	}
}

// Forget records that the Node with this UID no longer exists. What it held, or was promised, is free. A later Node of
// the same name is not affected.
func (l *Ledger) Forget(name string, uid types.UID) {
	if e, ok := l.nodes[name]; ok && e.UID == uid {
		l.remove(e)
	}
}

// remove deletes the record of a node and releases its blocks.
func (l *Ledger) remove(e *entry) {
	delete(l.nodes, e.Name)
	delete(l.waiting, e.Name)
	delete(l.stuck, e.Name)
	l.blocks.Release(e.Name)
	if e.isPromised() || len(e.PodCIDRs) > 0 {
		l.retry()
	}
}

// retry queues the nodes that could not be served before. It is called whenever blocks may have become available.
func (l *Ledger) retry() {
	for _, e := range l.stuck {
		l.wait(e)
	}
}

// SetConfigs replaces the ClusterCIDRConfigs. An error is that of allocator.New, and nothing changes then.
func (l *Ledger) SetConfigs(configs []allocator.Config) error {
	if slices.EqualFunc(l.configs, configs, sameConfig) {
		return nil
	}
	if err := l.blocks.SetConfigs(configs); err != nil {
		return err
	}
	l.configs = configs
	l.retry()
	return nil
}

// SetReserved replaces the ranges from which nothing is assigned.
func (l *Ledger) SetReserved(ranges []netip.Prefix) {
	if slices.Equal(l.reserved, ranges) {
		return
	}
	l.reserved = ranges
	// The allocator cannot release a reserved range, so its contents are rebuilt.
	fresh, err := allocator.New(l.configs)
	if err != nil {
		return // the configs were valid when they were set
	}
	for _, r := range ranges {
		fresh.Reserve(r)
	}
	for _, e := range inOrder(l.nodes) {
		fresh.Add(e.allocatorNode())
	}
	l.blocks = fresh
	l.retry()
}

// Waiting reports whether Assign would serve any node.
func (l *Ledger) Waiting() bool { return len(l.waiting) > 0 }

// Pending returns the number of nodes that have no blocks and no promise.
func (l *Ledger) Pending() int { return len(l.waiting) + len(l.stuck) }

// Assign promises a block of each family to every waiting node, in the order of package allocator. Where that order
// leaves a choice, older Nodes come first, then names decide. It reports nodes that cannot be served. They wait for a
// change of their labels, of the configs, or of what is free.
func (l *Ledger) Assign() ([]Assignment, []Report) {
	turns := inOrder(l.waiting)
	nodes := make([]allocator.Node, len(turns))
	for i, e := range turns {
		nodes[i] = e.allocatorNode()
	}
	clear(l.waiting)
	var assignments []Assignment
	var reports []Report
	for i, result := range l.blocks.Plan(nodes) {
		e := turns[i]
		if result.Err != nil {
			l.stuck[e.Name] = e
			reports = append(reports, e.report(reasonFor(result.Err))...)
			continue
		}
		e.promised = result.Assignment
		e.forget(CIDRNotAvailable, NoMatchingConfig)
		assignments = append(assignments, e.assignment())
	}
	return assignments, reports
}

// Promised returns what a node was promised and has not been observed to hold yet.
func (l *Ledger) Promised(name string) (Assignment, bool) {
	e, ok := l.nodes[name]
	if !ok || !e.isPromised() {
		return Assignment{}, false
	}
	return e.assignment(), true
}

// Usage returns how much of each range is in use: see allocator.Allocator.Usage.
func (l *Ledger) Usage() []allocator.Usage { return l.blocks.Usage() }

// isPromised reports whether the node has a promise that has not been observed yet.
func (e *entry) isPromised() bool { return e.promised.PodCIDRs[family.IPv4].IsValid() }

// assignment returns the promise in the form that callers write.
func (e *entry) assignment() Assignment {
	return Assignment{Node: e.Name, UID: e.UID, Config: e.promised.Config, PodCIDRs: e.promised.PodCIDRs}
}

// allocatorNode returns the node for the allocator, to which promised blocks are held ones.
func (e *entry) allocatorNode() allocator.Node {
	n := allocator.Node{Name: e.Name, Labels: e.Labels, PodCIDRs: e.PodCIDRs}
	if e.isPromised() {
		n.PodCIDRs = slices.Clone(e.promised.PodCIDRs[:])
	}
	return n
}

// inOrder returns nodes in the order of their creation.
func inOrder(nodes map[string]*entry) []*entry {
	sorted := make([]*entry, 0, len(nodes))
	for _, e := range nodes {
		sorted = append(sorted, e)
	}
	slices.SortFunc(sorted, func(a, b *entry) int { return byAge(a.Node, b.Node) })
	return sorted
}

// byAge compares Nodes by their creation, and by name if they were created in the same second.
func byAge(a, b Node) int {
	return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name))
}

// older reports whether version a of an object is older than b. Versions that cannot be compared are not older, so that
// the observation is recorded.
func older(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order < 0
}
