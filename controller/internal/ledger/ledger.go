package ledger

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/dualstrap/dualstrap/allocator"
)

// Ledger knows what every node of a cluster holds, was promised, or waits for. It is not safe for
// concurrent use.
type Ledger struct {
	blocks   *allocator.Allocator
	configs  []allocator.Config
	reserved []netip.Prefix
	nodes    map[string]*entry
	// waiting are the nodes to be served by the next Assign, stuck those that it could not serve and
	// that need some change first.
	waiting, stuck map[string]*entry
}

// Node is what matters here of a Node object.
type Node struct {
	Name string
	UID  types.UID
	// Version is the object's resourceVersion.
	Version string
	// Created is the object's creationTimestamp: of nodes that wait together the older is served first.
	Created time.Time
	// Leaving says that the object is being deleted. It keeps what it holds until it is gone.
	Leaving bool
	// Labels are kept: do not change them.
	Labels map[string]string
	// PodCIDRs are those of its spec.
	PodCIDRs []netip.Prefix
}

// entry is a node in the book.
type entry struct {
	Node
	// promised is what the node shall hold; its zero value is no promise.
	promised allocator.Assignment
	// said is the last message of each reason, so that nothing is said twice.
	said map[Reason]string
}

// Assignment is a promise to a node.
type Assignment struct {
	Node string
	UID  types.UID
	// Config is the name of the ClusterCIDRConfig.
	Config   string
	PodCIDRs allocator.Pair
}

// New makes a Ledger of a cluster without nodes and configs.
func New() *Ledger {
	l := &Ledger{nodes: map[string]*entry{}, waiting: map[string]*entry{}, stuck: map[string]*entry{}}
	l.blocks, _ = allocator.New(nil) // only configs can be wrong
	return l
}

// Observe takes note of Nodes. It reports what is wrong with podCIDRs that they came with.
func (l *Ledger) Observe(nodes ...Node) []Report {
	slices.SortFunc(nodes, byAge)
	var reports []Report
	for _, n := range nodes {
		reports = append(reports, l.observe(n)...)
	}
	return reports
}

func (l *Ledger) observe(n Node) []Report {
	e, known := l.nodes[n.Name]
	switch {
	case known && older(n.Version, e.Version):
		return nil
	case known && e.UID != n.UID: // deleted and created again, and nobody told
		l.remove(e)
		known = false
	}
	if !known {
		e = &entry{said: map[Reason]string{}}
		l.nodes[n.Name] = e
	}
	before := e.Node
	e.Node = n
	switch {
	case len(n.PodCIDRs) > 0:
		l.adopt(e, before.PodCIDRs)
	case len(before.PodCIDRs) > 0: // no Node loses its podCIDRs
		e.PodCIDRs = before.PodCIDRs
	case !known || n.Leaving || !sameLabels(before.Labels, n.Labels):
		l.wait(e)
	}
	return e.news(l.blocks.Add(e.allocatorNode()))
}

// adopt notes that a node holds podCIDRs.
func (l *Ledger) adopt(e *entry, held []netip.Prefix) {
	promised := e.promised.PodCIDRs
	delete(l.waiting, e.Name)
	delete(l.stuck, e.Name)
	e.promised = allocator.Assignment{}
	e.forget(CIDRNotAvailable, NoMatchingConfig, AssignmentFailed)
	if len(held) == 0 && promised.V4.IsValid() && !slices.Equal(e.PodCIDRs, []netip.Prefix{promised.V4, promised.V6}) {
		l.retry() // somebody else was faster, and the promised block is free again
	}
}

// wait puts a node without podCIDRs among those to be served, unless it was promised a block already.
func (l *Ledger) wait(e *entry) {
	delete(l.stuck, e.Name)
	delete(l.waiting, e.Name)
	if !e.isPromised() && len(e.PodCIDRs) == 0 && !e.Leaving {
		l.waiting[e.Name] = e
	}
}

// Forget takes note that a Node no longer exists. What it held, or was promised, is free.
func (l *Ledger) Forget(name string, uid types.UID) {
	if e, ok := l.nodes[name]; ok && e.UID == uid {
		l.remove(e)
	}
}

func (l *Ledger) remove(e *entry) {
	delete(l.nodes, e.Name)
	delete(l.waiting, e.Name)
	delete(l.stuck, e.Name)
	l.blocks.Release(e.Name)
	if e.isPromised() || len(e.PodCIDRs) > 0 {
		l.retry()
	}
}

// retry gives those that could not be served another try.
func (l *Ledger) retry() {
	for _, e := range l.stuck {
		l.wait(e)
	}
}

// SetConfigs replaces the ClusterCIDRConfigs. On an error, which is that of allocator.New, nothing
// changes.
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

// SetReserved replaces the ranges of which nothing is handed out.
func (l *Ledger) SetReserved(ranges []netip.Prefix) {
	if slices.Equal(l.reserved, ranges) {
		return
	}
	l.reserved = ranges
	// The allocator cannot give a reserved range back; books can be copied.
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

// Waiting reports whether Assign would have anything to do.
func (l *Ledger) Waiting() bool { return len(l.waiting) > 0 }

// Pending is how many nodes wait for a block.
func (l *Ledger) Pending() int { return len(l.waiting) + len(l.stuck) }

// Assign promises a block of each family to every node that waits, in the order of package allocator;
// where that leaves it open, older Nodes come first, and then it goes by name. It reports nodes that
// cannot be served. They wait for a change of their labels, of the configs, or of what is free.
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
			reports = append(reports, e.say(refusal(result.Err))...)
			continue
		}
		e.promised = result.Assignment
		e.forget(CIDRNotAvailable, NoMatchingConfig)
		assignments = append(assignments, e.assignment())
	}
	return assignments, reports
}

// Promised gives what a node was promised and is not known to hold yet.
func (l *Ledger) Promised(name string) (Assignment, bool) {
	e, ok := l.nodes[name]
	if !ok || !e.isPromised() {
		return Assignment{}, false
	}
	return e.assignment(), true
}

// Usage tells how full every config is: see allocator.Allocator.Usage.
func (l *Ledger) Usage() []allocator.Usage { return l.blocks.Usage() }

func (e *entry) isPromised() bool { return e.promised.PodCIDRs.V4.IsValid() }

func (e *entry) assignment() Assignment {
	return Assignment{Node: e.Name, UID: e.UID, Config: e.promised.Config, PodCIDRs: e.promised.PodCIDRs}
}

// allocatorNode is the node as the allocator knows it: what it was promised it holds.
func (e *entry) allocatorNode() allocator.Node {
	n := allocator.Node{Name: e.Name, Labels: e.Labels, PodCIDRs: e.PodCIDRs}
	if e.isPromised() {
		n.PodCIDRs = []netip.Prefix{e.promised.PodCIDRs.V4, e.promised.PodCIDRs.V6}
	}
	return n
}

// inOrder gives nodes in the order in which they were created.
func inOrder(nodes map[string]*entry) []*entry {
	sorted := make([]*entry, 0, len(nodes))
	for _, e := range nodes {
		sorted = append(sorted, e)
	}
	slices.SortFunc(sorted, func(a, b *entry) int { return byAge(a.Node, b.Node) })
	return sorted
}

// byAge is the order in which Nodes were created.
func byAge(a, b Node) int {
	return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name))
}

// older reports whether version a of an object is older than b. What cannot be compared is not.
func older(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order < 0
}
