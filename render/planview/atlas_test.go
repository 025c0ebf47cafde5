package planview

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
)

// account writes a territory in one line.
func account(t *familyMap) string {
	var parts []string
	all, _ := lanes(t.landmarks)
	for _, lane := range all {
		apart := ""
		if lane.apart {
			apart = "... "
		}
		parts = append(parts, fmt.Sprintf("%s%s %d", apart, lane.kind, len(lane.landmarks)))
	}
	return fmt.Sprintf("flat %t, L2 %s: %s; unknown %d, island %d, elsewhere %d, services %d",
		t.flat, t.l2, strings.Join(parts, ", "), len(t.unknown), len(t.island), len(t.elsewhere), len(t.services))
}

func TestAtlas(t *testing.T) {
	t.Parallel()
	tests := map[string][2]string{
		"dual-stack": {
			"flat false, L2 10.2.0.0/24: Nodes 3, ... VIPs 1, ... Pools 1; unknown 0, island 1, elsewhere 0, services 1",
			"flat true, L2 fd12::/109: Pods 1, ... Pools 1; unknown 3, island 0, elsewhere 0, services 1",
		},
		"flat-ipv4": {
			"flat true, L2 10.2.0.0/17: Nodes 3, ... VIPs 1, ... Pools 1, ... Pods 1; unknown 0, island 0, elsewhere 0, services 1",
			"flat true, L2 fd12::/109: Pods 1, ... Nodes 3, ... Pools 1; unknown 0, island 0, elsewhere 0, services 1",
		},
		"manual-lb": {
			"flat false, L2 10.2.0.4/30: Nodes 3; unknown 0, island 1, elsewhere 2, services 1",
			"flat true, L2 fd12::1:0/112: Pods 1; unknown 3, island 0, elsewhere 0, services 1",
		},
		"ha": {
			"flat false, L2 10.2.0.0/24: Nodes 10, ... VIPs 1, ... Client 1, ... Pools 1; unknown 0, island 1, elsewhere 0, services 1",
			"flat true, L2 fd12::/109: Pods 1, ... Nodes 1, ... Pools 1; unknown 9, island 0, elsewhere 0, services 1",
		},
		"huge-ipv6": {
			"flat false, L2 10.2.0.0/24: Nodes 3, ... VIPs 1, ... Pools 1; unknown 0, island 1, elsewhere 0, services 1",
			"flat true, L2 2001:db8:1234:5678::/63: Pods 1, ... Nodes 3, ... Pools 1; unknown 0, island 0, elsewhere 0, services 1",
		},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixtures(t)[name]
			a := newAddressMap(f.cfg, f.plan)
			got := [2]string{account(a.families[0]), account(a.families[1])}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestVIPsLieInTheirPool(t *testing.T) {
	t.Parallel()
	f := fixtures(t)["dual-stack"]
	for _, l := range newAddressMap(f.cfg, f.plan).families[0].landmarks {
		if l.kind == kindPool && (len(l.inner) != 1 || l.inner[0].first != f.cfg.LoadBalancer.IngressVIP) {
			t.Errorf("in %s: %v, want the ingress VIP", l.name, l.inner)
		}
	}
}

func TestOneNodeHasOneColorInBothFamilies(t *testing.T) {
	t.Parallel()
	f := fixtures(t)["ha"]
	a := newAddressMap(f.cfg, f.plan)
	colors := map[int]string{}
	var visit func(b *box)
	visit = func(b *box) {
		for _, k := range b.kids {
			if k.look == "badge" {
				number := 0
				if _, err := fmt.Sscan(k.lines[0].text, &number); err != nil {
					t.Fatal(err)
				}
				color := b.fill + k.fill
				if colors[number] == "" {
					colors[number] = color
				}
				if colors[number] != color {
					t.Errorf("node %d is %s and %s", number, colors[number], color)
				}
			}
			visit(k)
		}
	}
	visit(layOut(a).page)
	if len(colors) != len(f.plan.Nodes) {
		t.Errorf("%d nodes have colours, want %d", len(colors), len(f.plan.Nodes))
	}
}

func TestManyLanesAreGroupedByKind(t *testing.T) {
	t.Parallel()
	var ls []marker
	for a, i := netip.MustParseAddr("10.0.0.1"), 0; i < 40; a, i = a.Next(), i+1 {
		ls = append(ls, marker{kind: []kind{kindVIP, kindNode}[i%2], first: a, last: a})
	}
	if all, ordered := lanes(ls[:maxLanes]); !ordered || len(all) != maxLanes {
		t.Errorf("%d lanes, ordered %t; want %d in order", len(all), ordered, maxLanes)
	}
	if all, ordered := lanes(ls); ordered || len(all) != 2 || all[0].kind != kindNode {
		t.Errorf("%d lanes, ordered %t; want nodes, then VIPs", len(all), ordered)
	}
}

func TestAPlanWithoutAnything(t *testing.T) {
	t.Parallel()
	cfg, plan := &api.Config{}, &api.Plan{}
	checkPicture(t, layOut(newAddressMap(cfg, plan)))
	wellFormed(t, drawing(t, fixture{cfg, plan}))
}
