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
		unknown := ""
		if !lane[0].IsValid() {
			unknown = "unknown "
		}
		parts = append(parts, fmt.Sprintf("%s%s %d", unknown, lane[0].kind, len(lane)))
	}
	return fmt.Sprintf("flat %t, L2 %s: %s; island %d, elsewhere %d",
		t.flat, t.l2, strings.Join(parts, ", "), len(t.island), len(t.elsewhere))
}

func TestAtlas(t *testing.T) {
	t.Parallel()
	tests := map[string][2]string{
		"dual-stack": {
			"flat false, L2 10.2.0.0/24: Nodes 3, VIPs 1, Pools 1; island 1, elsewhere 0",
			"flat true, L2 fd12::/109: Pods 1, Pools 1, unknown Nodes 3; island 0, elsewhere 0",
		},
		"flat-ipv4": {
			"flat true, L2 10.2.0.0/17: Nodes 3, VIPs 1, Pools 1, Pods 1; island 0, elsewhere 0",
			"flat true, L2 fd12::/109: Pods 1, Nodes 3, Pools 1; island 0, elsewhere 0",
		},
		"manual-lb": {
			"flat false, L2 10.2.0.4/30: Nodes 3; island 1, elsewhere 2",
			"flat true, L2 fd12::1:0/112: Pods 1, unknown Nodes 3; island 0, elsewhere 0",
		},
		"ha": {
			"flat false, L2 10.2.0.0/24: Nodes 10, VIPs 1, Client 1, Pools 1; island 1, elsewhere 0",
			"flat true, L2 fd12::/109: Pods 1, Nodes 1, Pools 1, unknown Nodes 9; island 0, elsewhere 0",
		},
		"huge-ipv6": {
			"flat false, L2 10.2.0.0/24: Nodes 3, VIPs 1, Pools 1; island 1, elsewhere 0",
			"flat true, L2 2001:db8:1234:5678::/63: Pods 1, Nodes 3, Pools 1; island 0, elsewhere 0",
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
		if l.kind == kindPool && (len(l.inner) != 1 || l.inner[0].From() != f.cfg.LoadBalancer.IngressVIP) {
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
		for _, k := range b.Kids {
			if k.Look == "badge" {
				number := 0
				if _, err := fmt.Sscan(k.Lines[0].Text, &number); err != nil {
					t.Fatal(err)
				}
				color := b.Paint + k.Paint
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
	visit(layOut(a).Page)
	if len(colors) != len(f.plan.Nodes) {
		t.Errorf("%d nodes have colours, want %d", len(colors), len(f.plan.Nodes))
	}
}

func TestManyLanesAreGroupedByKind(t *testing.T) {
	t.Parallel()
	var ms []marker
	for a, i := netip.MustParseAddr("10.0.0.1"), 0; i < 40; a, i = a.Next(), i+1 {
		ms = append(ms, marker{kind: []kind{kindVIP, kindNode}[i%2], IPRange: single(a)})
	}
	if all, ordered := lanes(ms[:maxLanes]); !ordered || len(all) != maxLanes {
		t.Errorf("%d lanes, ordered %t; want %d in order", len(all), ordered, maxLanes)
	}
	if all, ordered := lanes(ms); ordered || len(all) != 2 || all[0][0].kind != kindNode {
		t.Errorf("%d lanes, ordered %t; want nodes, then VIPs", len(all), ordered)
	}
}

func TestANodesAddressIsTheOneOfKubernetes(t *testing.T) {
	t.Parallel()
	ssh, k8s := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("10.2.0.4")
	plan := &api.Plan{Nodes: []api.PlanNode{{Address: ssh}, {Address: ssh, K8sIP: k8s}}}
	for i, want := range []netip.Addr{ssh, k8s} {
		n := newAddressMap(&api.Config{}, plan).nodes[i]
		if n.addr != want || n.ipv6.IsValid() {
			t.Errorf("%s and %s, want %s", n.addr, n.ipv6, want)
		}
	}
}

func TestAPlanWithoutAnything(t *testing.T) {
	t.Parallel()
	cfg, plan := &api.Config{}, &api.Plan{}
	checkPicture(t, layOut(newAddressMap(cfg, plan)))
	wellFormed(t, drawing(t, fixture{cfg, plan}))
}
