package allocator_test

import (
	"cmp"
	"errors"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/allocator"
)

// FuzzOperations reads bytes as operations and applies them to an Allocator and to the oracle.
func FuzzOperations(f *testing.F) {
	for seed := range uint64(64) {
		random := rand.New(rand.NewPCG(seed, seed))
		script := make([]byte, 300)
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 1000 {
			return
		}
		d := &duel{T: t, script: script, oracle: &oracle{}, real: newAllocator(t, nil)}
		d.setConfigs()
		for len(d.script) > 0 {
			d.step()
		}
		d.usage()
	})
}

// duel applies the same operations to an Allocator and to the oracle, and compares all results.
type duel struct {
	*testing.T
	script []byte
	oracle *oracle
	real   *allocator.Allocator
}

func (d *duel) step() {
	d.Helper()
	switch d.choose(16) {
	case 0:
		d.setConfigs()
	case 1:
		d.reserve()
	case 2:
		d.restart()
	case 3, 4:
		d.plan()
	case 5, 6, 7:
		d.add(d.node())
	case 8, 9:
		d.release("n" + strconv.Itoa(d.choose(8)))
	case 10:
		d.usage()
	default:
		d.allocate("n" + strconv.Itoa(d.choose(8)))
	}
}

func (d *duel) usage() {
	d.Helper()
	d.same("usage", d.real.Usage(), d.oracle.usage())
}

func (d *duel) same(what string, got, want any) {
	d.Helper()
	if diff := gocmp.Diff(want, got, comparers()...); diff != "" {
		d.Fatalf("%s differs (-oracle +allocator):\n%s", what, diff)
	}
}

func comparers() []gocmp.Option {
	return []gocmp.Option{
		gocmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
		gocmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 }),
	}
}

func (d *duel) reserve() {
	p := d.prefix(low4, high4, 28)
	if d.choose(2) == 0 {
		p = d.prefix(low6, high6, 124)
	}
	d.oracle.reserved = append(d.oracle.reserved, p)
	d.real.Reserve(p)
}

// restart replaces the Allocator by one that knows only what a cluster would tell it.
func (d *duel) restart() {
	d.Helper()
	d.real = newAllocator(d.T, d.oracle.configs)
	for _, p := range d.oracle.reserved {
		d.real.Reserve(p)
	}
	d.checkFindings(d.real.Add(d.oracle.nodes...), d.oracle.nodes)
}

func (d *duel) add(n allocator.Node) {
	d.Helper()
	before := allocator.Node{}
	if known := d.oracle.find(n.Name); known != nil {
		before = *known
	}
	d.oracle.add(n)
	findings := d.real.Add(n)
	after := *d.oracle.find(n.Name)
	if len(n.PodCIDRs) == 0 || gocmp.Equal(families(before), families(after), comparers()...) {
		d.same("findings about nothing new", len(findings), 0)
		return
	}
	d.checkFindings(findings, []allocator.Node{after})
}

// families returns the podCIDRs of a node, IPv4 first, because the order of the families has no meaning.
func families(n allocator.Node) []netip.Prefix {
	return slices.SortedStableFunc(slices.Values(n.PodCIDRs), func(a, b netip.Prefix) int {
		return cmp.Compare(a.Addr().BitLen(), b.Addr().BitLen())
	})
}

func (d *duel) plan() {
	d.Helper()
	var nodes []allocator.Node
	for range d.choose(5) {
		n := d.node()
		if !slices.ContainsFunc(nodes, func(m allocator.Node) bool { return m.Name == n.Name }) {
			nodes = append(nodes, n)
		}
	}
	var got []allocator.Assignment
	for _, r := range d.real.Plan(nodes) {
		got = append(got, r.Assignment)
	}
	want := d.oracle.plan(nodes)
	d.same("plan", len(got), len(want))
	for i := range got {
		d.same("plan of "+nodes[i].Name, got[i], want[i])
	}
}

func (d *duel) release(name string) {
	d.oracle.release(name)
	d.real.Release(name)
}

func (d *duel) allocate(name string) {
	d.Helper()
	got, err := d.real.Allocate(name)
	if d.oracle.find(name) == nil {
		if err == nil {
			d.Fatalf("%s was never added and got %v", name, got)
		}
		return
	}
	want, tried := d.oracle.allocate(name)
	d.same("assignment of "+name, got, want)
	var noMatch *allocator.NoMatchError
	var exhausted *allocator.ExhaustedError
	switch {
	case want != allocator.Assignment{}:
		d.same("error", err, nil)
	case len(tried) == 0:
		d.same("no match", errors.As(err, &noMatch), true)
	default:
		d.same("exhausted", errors.As(err, &exhausted), true)
		var names []string
		for _, full := range exhausted.Tried {
			names = append(names, full.Config)
		}
		d.same("configs tried", slices.Compact(names), tried)
	}
}

// checkFindings compares the findings about nodes that have just arrived. For collisions it checks that each one is
// real, and that every node which shares addresses is in one.
func (d *duel) checkFindings(findings []allocator.Finding, came []allocator.Node) {
	d.Helper()
	var got, want []allocator.Finding
	accused := map[string]bool{}
	for _, f := range findings {
		switch f.Kind {
		case allocator.Collision:
			if other := d.oracle.find(f.OtherNode); !slices.Contains(other.PodCIDRs, f.Other) {
				d.Fatalf("%v: %v holds %v", f, f.OtherNode, other.PodCIDRs)
			}
			accused[f.OtherNode] = true
		case allocator.Reserved:
			d.same("is reserved", slices.Contains(d.oracle.reserved, f.Other), true)
		default:
			got = append(got, f)
			continue
		}
		holder := d.oracle.find(f.Node)
		if f.Node == f.OtherNode || !f.PodCIDR.Overlaps(f.Other) || !slices.Contains(holder.PodCIDRs, f.PodCIDR) {
			d.Fatalf("%v: %v holds %v", f, f.Node, holder.PodCIDRs)
		}
		accused[f.Node] = true
	}
	for _, n := range came {
		want = append(want, d.oracle.misplaced(n)...)
		if d.shares(n) && !accused[n.Name] {
			d.Fatalf("%s holds %v, some of which another node holds, and no finding reports it", n.Name, n.PodCIDRs)
		}
	}
	byText := func(a, b allocator.Finding) int { return cmp.Compare(a.String(), b.String()) }
	slices.SortFunc(got, byText)
	slices.SortFunc(want, byText)
	d.same("findings", got, want)
}

// shares reports whether the node holds addresses that are reserved or that another node holds.
func (d *duel) shares(n allocator.Node) bool {
	others := &oracle{reserved: d.oracle.reserved, nodes: slices.Clone(d.oracle.nodes)}
	others.release(n.Name)
	return slices.ContainsFunc(n.PodCIDRs, others.taken)
}
