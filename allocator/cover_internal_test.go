package allocator

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// TestCover compares covers of many pages with a plain array of counts, at the lowest and at the highest addresses
// of both families.
func TestCover(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"0.0.0.0", "255.255.0.0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:0"} {
		t.Run(first, func(t *testing.T) {
			t.Parallel()
			w := &world{TB: t, first: netip.MustParseAddr(first), random: rand.New(rand.NewPCG(1, 2))}
			var held []netip.Prefix
			for i := range 20_000 {
				// Fill the array, half empty it, and fill it again.
				if growing := i%10_000 < 7_000; growing || len(held) == 0 {
					held = append(held, w.block())
					w.change(held[len(held)-1], +1)
				} else {
					at := w.random.IntN(len(held))
					w.change(held[at], -1)
					held[at] = held[len(held)-1]
					held = held[:len(held)-1]
				}
				if i%20 == 0 {
					w.checkClear(w.block())
				}
				if i%1000 == 0 {
					w.checkRuns()
				}
			}
			for _, p := range held {
				w.change(p, -1)
			}
			if len(w.cover.pages) > 0 {
				t.Errorf("%d pages are left of nothing", len(w.cover.pages))
			}
		})
	}
}

// world is an array of 65,536 addresses with the number of holders of each.
type world struct {
	testing.TB
	cover  cover
	first  netip.Addr
	counts [1 << 16]int
	random *rand.Rand
}

// block returns a random prefix of up to 16 addresses.
func (w *world) block() netip.Prefix {
	bytes := w.first.AsSlice()
	bytes[len(bytes)-2], bytes[len(bytes)-1] = byte(w.random.Uint32()), byte(w.random.Uint32())
	a, _ := netip.AddrFromSlice(bytes)
	return netip.PrefixFrom(a, a.BitLen()-w.random.IntN(5)).Masked()
}

// indexes returns the first index of a prefix in counts and the index after its last.
func (w *world) indexes(p netip.Prefix) (from, end int) {
	bytes := p.Addr().AsSlice()
	from = int(bytes[len(bytes)-2])<<8 | int(bytes[len(bytes)-1])
	return from, from + 1<<(p.Addr().BitLen()-p.Bits())
}

func (w *world) touched(p netip.Prefix) bool {
	from, end := w.indexes(p)
	for _, count := range w.counts[from:end] {
		if count > 0 {
			return true
		}
	}
	return false
}

func (w *world) change(p netip.Prefix, by int) {
	w.Helper()
	want := w.touched(p)
	if got := w.cover.change(p, by); got != want {
		w.Fatalf("change(%v, %d) says shared %v, want %v", p, by, got, want)
	}
	from, end := w.indexes(p)
	for i := range w.counts[from:end] {
		w.counts[from+i] += by
	}
}

// checkClear checks that clear neither misses a holder nor skips a free block.
func (w *world) checkClear(p netip.Prefix) {
	w.Helper()
	if got, want := w.cover.touches(p), w.touched(p); got != want {
		w.Fatalf("touches(%v) is %v, want %v", p, got, want)
	}
	block, ok := new(search).lowest(Range{CIDR: w.all(), NodeMask: p.Bits()}, &w.cover)
	if !ok {
		return
	}
	if from, _ := w.indexes(block); w.touched(block) {
		w.Fatalf("%v is not free", block)
	} else if size := 1 << (p.Addr().BitLen() - p.Bits()); from >= size {
		w.checkNoneBelow(from, size)
	}
}

// checkNoneBelow checks that no block of a size is free below an index.
func (w *world) checkNoneBelow(index, size int) {
	w.Helper()
	for from := 0; from < index; from += size {
		free := true
		for _, count := range w.counts[from : from+size] {
			free = free && count == 0
		}
		if free {
			w.Fatalf("the block of %d at %d is free, but not found", size, from)
		}
	}
}

// all returns the prefix of the whole world.
func (w *world) all() netip.Prefix { return netip.PrefixFrom(w.first, w.first.BitLen()-16) }

// checkRuns checks that runs cover exactly the addresses with holders.
func (w *world) checkRuns() {
	w.Helper()
	runs := w.cover.runs(w.all())
	for i, a := 0, w.first; i < len(w.counts); i, a = i+1, a.Next() {
		for len(runs) > 0 && runs[0].To().Less(a) {
			runs = runs[1:]
		}
		if held := len(runs) > 0 && runs[0].Contains(a); held != (w.counts[i] > 0) {
			w.Fatalf("%v is in a run: %v, and has %d holders", a, held, w.counts[i])
		}
	}
}
