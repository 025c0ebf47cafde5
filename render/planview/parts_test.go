package planview

import (
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/api"
)

// says reports whether a text of the picture contains a phrase.
func says(page *box, phrase string) bool {
	return slices.ContainsFunc(words(page), func(s string) bool { return strings.Contains(s, phrase) })
}

// page lays out a plan of a config.
func page(tb testing.TB, cfg *api.Config) *box {
	tb.Helper()
	f := planned(tb, cfg)
	p := layOut(newAddressMap(f.cfg, f.plan))
	checkPicture(tb, p)
	return p.Page
}

func TestThePictureTellsTheModesApart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		cfg                     *api.Config
		islands, ways, closed   int
		reachable, unreachables int
	}{
		{documented("island"), 2, 3, 1, 1, 1}, // 2: the island and the pill beside IPv4
		{flatIPv4(), 0, 4, 0, 2, 0},
	}
	for _, tt := range tests {
		p := page(t, tt.cfg)
		all := strings.Join(words(p), "\n")
		got := []int{
			looks(p, "island") + looks(p, "pill island"), looks(p, "way"), looks(p, "way closed"),
			strings.Count(all, "reaches pods directly"), strings.Count(all, "cannot reach pods"),
		}
		if want := []int{tt.islands, tt.ways, tt.closed, tt.reachable, tt.unreachables}; !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", tt.cfg.Name, got, want)
		}
	}
}

func TestARangeInARangeIsDrawnInIt(t *testing.T) {
	t.Parallel()
	var inner []string
	var visit func(b *box)
	visit = func(b *box) {
		for _, k := range b.Kids {
			if b.Look == "region" && k.Look == "region nested" {
				inner = append(inner, words(k)...)
			}
			visit(k)
		}
	}
	visit(page(t, perNode()))
	for _, want := range []string{"192.168.1.0/24", "fd12::1:0/120", "range-node1: k8s-ip=10.2.0.5"} {
		if !slices.Contains(inner, want) {
			t.Errorf("no %s in a range inside another", want)
		}
	}
}

func TestServicesSayWhichFamilyIsPreferred(t *testing.T) {
	t.Parallel()
	for _, cfg := range []*api.Config{documented("v4-first"), manualLB()} {
		all := words(page(t, cfg))
		preferred := slices.IndexFunc(all, func(s string) bool { return strings.HasSuffix(s, "a Service's family by default") })
		if preferred < 0 || !slices.Contains(all[preferred-3:preferred], cfg.Network.Services[0].String()) {
			t.Errorf("%s: the note is not at %s", cfg.Name, cfg.Network.Services[0])
		}
	}
}

func TestNoVIPIsHiddenInManyPools(t *testing.T) {
	t.Parallel()
	cfg := documented("pools")
	cfg.LoadBalancer.Pools = nil
	for i := range 40 {
		from := netip.AddrFrom4([4]byte{10, 2, 1, byte(i * 4)})
		cfg.LoadBalancer.Pools = append(cfg.LoadBalancer.Pools, api.AddressPool{
			Name: fmt.Sprintf("pool-%d", i), Addresses: []netipx.IPRange{netipx.IPRangeFrom(from, from.Next())},
		})
	}
	cfg.LoadBalancer.IngressVIP = netip.MustParseAddr("10.2.1.121") // in the 31st
	p := page(t, cfg)
	for _, want := range []string{"10.2.1.121", "address pool pool-30", "and 35 more ranges"} {
		if !says(p, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestWhatHasNoRoomIsCounted(t *testing.T) {
	t.Parallel()
	many := documented("many")
	for i := range 20 {
		many.CIDRConfigs = append(many.CIDRConfigs, matching(cidrConfig(fmt.Sprintf("other-%d", i),
			fmt.Sprintf("10.%d.0.0/24", 100+i), 24, fmt.Sprintf("fd13::%x00/120", i+1), 120), "rack", fmt.Sprint(i)))
	}
	shared := documented("shared")
	for i := range 6 {
		shared.CIDRConfigs = append(shared.CIDRConfigs,
			matching(cidrConfig(fmt.Sprintf("shared-%d", i), "192.168.0.0/16", 24, "fd12::1:0/112", 120), "rack", fmt.Sprint(i)))
	}
	deep := documented("deep")
	for i := range 6 {
		deep.CIDRConfigs = append(deep.CIDRConfigs, matching(cidrConfig(fmt.Sprintf("deep-%d", i),
			fmt.Sprintf("192.168.128.0/%d", 17+i), 24, fmt.Sprintf("fd12::1:8000/%d", 113+i), 120), "rack", fmt.Sprint(i)))
	}
	tests := []struct {
		cfg  *api.Config
		want string
	}{
		{many, "and 12 more ranges; the table of the plan has them all"},
		{many, "and 13 more ranges; the table of the plan has them all"}, // of the totals
		{shared, "and 3 more ClusterCIDRConfigs"},
		{deep, "and 3 more ranges; the table of the plan has them all"}, // deep-3 and what is in it
		{hostile(), "and 19 more pools"},
		{hostile(), "and 92 more nodes"},
	}
	for _, tt := range tests {
		if p := page(t, tt.cfg); !says(p, tt.want) {
			t.Errorf("%.10s: no %q", tt.cfg.Name, tt.want)
		}
	}
}

func TestInterleavedPoolsShareOneField(t *testing.T) {
	t.Parallel()
	f := planned(t, large("mixed", 100))
	for i, j := range []int{20, 70, 21, 71, 22, 72, 23, 73, 24, 74, 25, 75, 26, 76} {
		f.plan.Nodes[i+30].PodCIDRs, f.plan.Nodes[j].PodCIDRs = f.plan.Nodes[j].PodCIDRs, f.plan.Nodes[i+30].PodCIDRs
	}
	p := layOut(newAddressMap(f.cfg, f.plan))
	checkPicture(t, p)
	if !says(p.Page, "nodes of several pools") {
		t.Error("no field of mixed pools")
	}
	if got := looks(p.Page, "square"); got < 200 {
		t.Errorf("%d squares, want one for each of 200 blocks", got)
	}
}

func TestARangeInABlockIsCounted(t *testing.T) {
	t.Parallel()
	f := planned(t, perNode())
	f.plan.Nodes[0].PodCIDRs[0] = netip.MustParsePrefix("192.168.0.0/20")
	f.plan.Nodes[1].PodCIDRs[0] = netip.MustParsePrefix("192.168.32.0/24")
	p := layOut(newAddressMap(f.cfg, f.plan))
	checkPicture(t, p)
	if want := "and 1 more range; the table of the plan has them all"; !says(p.Page, want) {
		t.Errorf("no %q", want)
	}
}

func TestTotalsAreThoseOfThePlan(t *testing.T) {
	t.Parallel()
	f := planned(t, documented("totals"))
	f.plan.Ranges[0].Allocated, f.plan.Ranges[0].Free = big.NewInt(17), big.NewInt(200) // 39 are others'
	all := words(layOut(newAddressMap(f.cfg, f.plan)).Page)
	i := slices.Index(all, "17")
	if i < 0 || all[i+1] != "200 (78.1%)" || all[i-1] != "256" || all[i-2] != "/24" {
		t.Errorf("no row of 192.168.0.0/16: /24, 256, 17, 200 (78.1%%) in %q", all)
	}
	if !slices.Contains(all, "200 of 256 blocks free") {
		t.Error("the range does not say what is free")
	}
}

func TestLongRangesTakeTwoLines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		addresses string
		want      []string
	}{
		{
			"2001:db8:1234:5679:aaaa:bbbb:cccc:1001:1002:1003",
			[]string{"2001:db8:1234:5679:aaaa:bbbb:cccc:1001:1002:1003", "10 addresses"},
		},
		{"10.0.0.0 – 10.0.0.9", []string{"10 addresses", "10.0.0.0 – 10.0.0.9"}},
		{"2001:db8:1:2::300 – 2001:db8:1:2:ffff:ffff:ffff", []string{"2001:db8:1:2::300 –", "10 addresses", "2001:db8:1:2:ffff:ffff:ffff"}},
		{
			"2001:db8:1234:5679:aaaa:bbbb:cccc:1001 – 2001:db8:1234:5679:aaaa:bbbb:cccc:1fff",
			[]string{"2001:db8:1234:5679:aaaa:bbbb:cccc:1001 –", "10 addresses", "2001:db8:1234:5679:aaaa:bbbb:cccc:1fff"},
		},
	}
	for _, tt := range tests {
		b := newBox(460, 0, "")
		b.rangeLine(tt.addresses, "10 addresses")
		if got := words(b); !slices.Equal(got, tt.want) {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
