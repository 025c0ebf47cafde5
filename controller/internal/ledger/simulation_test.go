package ledger_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/dualstrap/dualstrap/controller/internal/ledger"
)

// world simulates an API server, a controller, and everything that can go wrong between them: watches that lag, writes
// whose response is lost or that arrive late, third-party writers of podCIDRs, changes of the leader.
type world struct {
	*testing.T
	random *rand.Rand
	nodes  map[string]ledger.Node
	// history holds every change of a Node, and seen the number of them that the controller has watched.
	history []change
	seen    int
	book    *ledger.Ledger
	writes  []ledger.Assignment
	rogues  int
}

type change struct {
	ledger.Node
	gone bool
}

// TestSimulation runs thousands of short random histories. Two nodes never hold the same addresses, and in the end
// every node has both families.
func TestSimulation(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		w := &world{T: t, random: rand.New(rand.NewPCG(seed, 0)), nodes: map[string]ledger.Node{}}
		w.lead()
		for range 60 {
			w.act()
			w.check(seed)
		}
		w.calmDown()
		w.check(seed)
		for name, n := range w.nodes {
			if len(n.PodCIDRs) != 2 {
				t.Fatalf("seed %d: %s holds %v in the end", seed, name, n.PodCIDRs)
			}
		}
		if t.Failed() {
			return
		}
	}
}

func (w *world) act() {
	actions := []func(){
		w.create, w.create, w.create, w.remove, w.relabel, w.intrude,
		w.watch, w.watch, w.watch, w.assign, w.assign, w.land, w.land, w.land, w.lead,
	}
	actions[w.random.IntN(len(actions))]()
}

func (w *world) record(n ledger.Node, gone bool) {
	n.Version = strconv.Itoa(len(w.history) + 1)
	if gone {
		delete(w.nodes, n.Name)
	} else {
		w.nodes[n.Name] = n
	}
	w.history = append(w.history, change{n, gone})
}

func (w *world) create() {
	name := fmt.Sprintf("n%d", w.random.IntN(6))
	if _, ok := w.nodes[name]; !ok {
		uid := types.UID(strconv.Itoa(len(w.history)))
		w.record(ledger.Node{Name: name, UID: uid, Created: time.Unix(int64(len(w.history)), 0), Labels: w.labels()}, false)
	}
}

func (w *world) labels() map[string]string {
	return map[string]string{"p": strconv.Itoa(w.random.IntN(3))}
}

// any returns a random Node.
func (w *world) any() (ledger.Node, bool) {
	names := slices.Sorted(maps.Keys(w.nodes))
	if len(names) == 0 {
		return ledger.Node{}, false
	}
	return w.nodes[names[w.random.IntN(len(names))]], true
}

func (w *world) remove() {
	if n, ok := w.any(); ok {
		w.record(n, true)
	}
}

func (w *world) relabel() {
	if n, ok := w.any(); ok {
		n.Labels = w.labels()
		w.record(n, false)
	}
}

// intrude writes podCIDRs to a Node as a third party.
func (w *world) intrude() {
	if n, ok := w.any(); ok && len(n.PodCIDRs) == 0 {
		w.rogues++
		n.PodCIDRs = parsePrefixes(w, fmt.Sprintf("172.16.%d.0/24 fd99::%x00/120", w.rogues, w.rogues))
		w.record(n, false)
	}
}

// watch delivers some of the changes that the controller has not seen.
func (w *world) watch() {
	for range w.random.IntN(len(w.history) - w.seen + 1) {
		w.deliver()
	}
}

func (w *world) deliver() {
	if c := w.history[w.seen]; c.gone {
		w.book.Forget(c.Name, c.UID)
	} else {
		w.book.Observe(c.Node)
	}
	w.seen++
}

func (w *world) assign() {
	promised, _ := w.book.Assign()
	w.writes = append(w.writes, promised...)
}

// land makes a write arrive, or not. If its response is lost, the controller reads the Node, which may fail as well.
func (w *world) land() {
	if len(w.writes) == 0 {
		return
	}
	i := w.random.IntN(len(w.writes))
	a := w.writes[i]
	w.writes = slices.Delete(w.writes, i, i+1)
	if w.random.IntN(4) > 0 { // otherwise it never arrives
		if n, ok := w.nodes[a.Node]; ok && n.UID == a.UID && len(n.PodCIDRs) == 0 {
			n.PodCIDRs = a.PodCIDRs[:]
			w.record(n, false)
		}
	}
	if w.random.IntN(3) > 0 {
		if n, ok := w.nodes[a.Node]; ok {
			w.book.Observe(n)
		} else {
			w.book.Forget(a.Node, a.UID)
		}
	}
	if again, ok := w.book.Promised(a.Node); ok {
		w.writes = append(w.writes, again)
	}
}

// lead simulates a new leader. It lists the current Nodes, while its cache starts at some point in the past.
func (w *world) lead() {
	w.writes = nil // writes of the previous leader end before the next one leads
	w.book = ledger.New()
	if err := w.book.SetConfigs(parseConfigs(w,
		"all 10.0.0.0/20>24 fd00::/116>120", "p1 10.0.1.0/24>25 fd00::100/120>121 {p=1}", "p2 10.1.0.0/22>24 fd01::/118>120 {p=2}",
	)); err != nil {
		w.Fatal(err)
	}
	w.book.SetReserved(parsePrefixes(w, "10.0.3.0/25 fd00::700/124"))
	w.book.Observe(slices.Collect(maps.Values(w.nodes))...)
	w.seen = w.random.IntN(len(w.history) + 1)
	past := map[string]ledger.Node{}
	for _, c := range w.history[:w.seen] {
		if past[c.Name] = c.Node; c.gone {
			delete(past, c.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(past)) {
		w.book.Observe(past[name])
	}
}

// calmDown delivers all changes and writes.
func (w *world) calmDown() {
	for range 100 {
		for w.seen < len(w.history) {
			w.deliver()
		}
		w.assign()
		w.land()
	}
}

func (w *world) check(seed uint64) {
	w.Helper()
	var held []netip.Prefix
	for _, n := range w.nodes {
		held = append(held, n.PodCIDRs...)
		if len(n.PodCIDRs) == 1 {
			w.Fatalf("seed %d: %s holds %v", seed, n.Name, n.PodCIDRs)
		}
	}
	held = append(held, parsePrefixes(w, "10.0.3.0/25 fd00::700/124")...)
	for i, p := range held {
		for _, q := range held[:i] {
			if p.Overlaps(q) {
				w.Fatalf("seed %d: %s and %s are both held", seed, p, q)
			}
		}
	}
}
