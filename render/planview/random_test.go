package planview

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/api"
)

func TestRandomPlans(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			checkRandom(t, seed)
		})
	}
}

func FuzzRandomPlans(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { checkRandom(t, seed) })
}

func checkRandom(tb testing.TB, seed uint64) {
	tb.Helper()
	f := planned(tb, randomConfig(rand.New(rand.NewPCG(seed, 1))))
	checkPicture(tb, layOut(newAddressMap(f.cfg, f.plan)))
	wellFormed(tb, drawing(tb, f))
}

// randomConfig is a cluster that validation might refuse: addresses in each other's way, ranges too
// small for their nodes, names of any length.
func randomConfig(r *rand.Rand) *api.Config {
	cfg := documented(randomName(r))
	cfg.Network.FlatIPv4 = r.IntN(3) == 0
	if r.IntN(4) == 0 {
		cfg.LoadBalancer.ControlPlane, cfg.LoadBalancer.Services = api.ControlPlaneExternal, api.ServicesExternal
	}
	cfg.LoadBalancer.ControlPlaneVIP = randomIPv4(r)
	cfg.LoadBalancer.IngressVIP = randomIPv4(r)
	for range r.IntN(12) {
		from := randomIPv4(r)
		if r.IntN(2) == 0 {
			from = randomIPv6(r)
		}
		cfg.LoadBalancer.Pools = append(cfg.LoadBalancer.Pools, api.AddressPool{
			Name: randomName(r), Addresses: []netipx.IPRange{netipx.IPRangeFrom(from, from.Next().Next())},
		})
	}
	cfg.Pools = nil
	most := []int{2, 6, 40, 300}[r.IntN(4)]
	for i := range 1 + r.IntN(12) {
		role := []api.Role{api.RoleControlPlane, api.RoleLoadBalancer, api.RoleWorker}[min(i, 2)]
		p := pool(randomName(r), role, randomIPv4(r).String(), 1+r.IntN(most))
		for j := range p.Nodes {
			if r.IntN(2) == 0 {
				p.Nodes[j].IPv6 = randomIPv6(r)
			}
			if r.IntN(3) == 0 {
				p.Nodes[j].K8sIP = randomIPv4(r)
			}
		}
		cfg.Pools = append(cfg.Pools, p)
	}
	for range r.IntN(30) {
		cfg.CIDRConfigs = append(cfg.CIDRConfigs, randomCIDRConfig(r, cfg))
	}
	return cfg
}

func randomCIDRConfig(r *rand.Rand, cfg *api.Config) api.CIDRConfig {
	bits4, bits6 := 8+r.IntN(20), 48+r.IntN(70)
	c := api.CIDRConfig{
		Name: randomName(r),
		IPv4: api.CIDRRange{CIDR: netip.PrefixFrom(randomIPv4(r), bits4).Masked(), PerNodeMaskSize: bits4 + r.IntN(31-bits4)},
		IPv6: api.CIDRRange{CIDR: netip.PrefixFrom(randomIPv6(r), bits6).Masked(), PerNodeMaskSize: bits6 + r.IntN(125-bits6)},
	}
	if r.IntN(5) > 0 {
		c = matching(c, api.LabelNodePool, cfg.Pools[r.IntN(len(cfg.Pools))].Name)
	}
	return c
}

func randomName(r *rand.Rand) string {
	letters := []string{"a", "i", "W", "-", "&", "한", "9", ".", "<", "\u200b"}
	var name strings.Builder
	for range 1 + r.IntN([]int{3, 20, 200}[r.IntN(3)]) {
		name.WriteString(letters[r.IntN(len(letters))])
	}
	return name.String()
}

// randomIPv4 and randomIPv6 give addresses close enough to each other to nest.
func randomIPv4(r *rand.Rand) netip.Addr {
	return netip.AddrFrom4([4]byte{[]byte{10, 192}[r.IntN(2)], 168, byte(r.IntN(4) * 64), byte(r.IntN(256))})
}

func randomIPv6(r *rand.Rand) netip.Addr {
	a := netip.MustParseAddr([]string{"fd12::1:0", "2001:db8:1234:5678:9abc:def0:1234:5600"}[r.IntN(2)]).As16()
	a[7] += byte(r.IntN(2))
	a[14], a[15] = byte(r.IntN(256)), byte(r.IntN(256))
	return netip.AddrFrom16(a)
}
