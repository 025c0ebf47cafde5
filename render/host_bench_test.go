package render

import (
	"net/netip"
	"testing"

	"github.com/dualstrap/dualstrap/api"
)

// BenchmarkHosts renders every file of the hosts of a cluster with 5,000 nodes.
func BenchmarkHosts(b *testing.B) {
	config := oneControlPlane()
	config.CIDRConfigs[0].IPv4 = cidrRange("172.16.0.0/12", 24)
	workers := &config.Pools[1]
	workers.Nodes = nil
	for i := range 4999 {
		address := netip.AddrFrom4([4]byte{10, 3, byte(i >> 8), byte(i)})
		workers.Nodes = append(workers.Nodes, api.Node{Address: address, K8sIP: address})
	}
	in := Input{Config: config, Plan: planOf(b, config)}
	b.ReportAllocs()
	for b.Loop() {
		hosts, err := Hosts(in)
		if err != nil {
			b.Fatal(err)
		}
		if len(hosts) != 5000 {
			b.Fatalf("%d hosts", len(hosts))
		}
	}
}
