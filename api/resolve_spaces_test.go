package api

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"go4.org/netipx"
)

// randomClaims returns ranges of both families that overlap often.
func randomClaims(r *rand.Rand, n int) []claim {
	var claims []claim
	for range n {
		base := netip.MustParseAddr("10.0.0.0")
		if r.IntN(2) == 0 {
			base = netip.MustParseAddr("fd12::")
		}
		first, length := r.IntN(200), r.IntN(20)
		from := advance(base, first)
		claims = append(claims, claim{IPRange: netipx.IPRangeFrom(from, advance(from, length))})
	}
	return claims
}

func advance(a netip.Addr, n int) netip.Addr {
	for range n {
		a = a.Next()
	}
	return a
}

func TestNewSpace(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		claims := randomClaims(r, r.IntN(12))
		all := slices.Clone(claims)
		s := newSpace(claims)
		for i := 1; i < len(s); i++ {
			if !s[i-1].To().Less(s[i].From()) {
				t.Fatalf("%v and %v are out of order or overlap", s[i-1].IPRange, s[i].IPRange)
			}
		}
		for _, c := range all {
			if !slices.ContainsFunc(s, func(kept claim) bool { return kept.Overlaps(c.IPRange) }) {
				t.Fatalf("%v is lost: %v", c.IPRange, s)
			}
		}
	}
}

// TestNewSpaceKeepsLargest checks that a range stands for the ranges inside it, in any order.
func TestNewSpaceKeepsLargest(t *testing.T) {
	t.Parallel()
	inner := claim{IPRange: netipx.RangeOfPrefix(netip.MustParsePrefix("192.168.0.0/24")), noun: "inner"}
	outer := claim{IPRange: netipx.RangeOfPrefix(netip.MustParsePrefix("192.168.0.0/16")), noun: "outer"}
	later := claim{IPRange: netipx.RangeOfPrefix(netip.MustParsePrefix("192.168.9.0/24")), noun: "later"}
	if s := newSpace([]claim{later, inner, outer}); len(s) != 1 || s[0].noun != "outer" {
		t.Errorf("got %v, want the outer range alone", s)
	}
}

// TestOverlaps compares the single pass over both spaces with a comparison of all pairs.
func TestOverlaps(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		a, b := newSpace(randomClaims(r, r.IntN(10))), newSpace(randomClaims(r, r.IntN(10)))
		got := map[netipx.IPRange]int{}
		for _, o := range a.overlaps(b) {
			got[o.IPRange] = o.count
			if !o.Overlaps(o.first.IPRange) {
				t.Fatalf("%v does not overlap %v", o.IPRange, o.first.IPRange)
			}
		}
		for _, x := range a {
			want := 0
			for _, y := range b {
				if x.Overlaps(y.IPRange) {
					want++
				}
			}
			if got[x.IPRange] != want {
				t.Fatalf("%v overlaps %d of %v, got %d", x.IPRange, want, b, got[x.IPRange])
			}
		}
	}
}
