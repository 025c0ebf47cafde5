package render_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/render"
)

// BenchmarkCluster renders the manifests of a cluster with 5,000 workers.
func BenchmarkCluster(b *testing.B) {
	const workers = 5000
	var manifests strings.Builder
	manifests.WriteString(`apiVersion: v1
kind: Namespace
metadata: {name: large}
---
apiVersion: baremetal.cluster.gke.io/v1
kind: Cluster
metadata: {name: large, namespace: large}
spec:
  type: standalone
  anthosBareMetalVersion: 1.36.3
  controlPlane: {nodePoolSpec: {nodes: [{address: 10.2.0.4}]}}
  clusterNetwork:
    pods: {cidrBlocks: [172.16.0.0/12]}
    services: {cidrBlocks: [192.168.0.0/20, "fd12::5:0/116"]}
  loadBalancer:
    mode: bundled
    ports: {controlPlaneLBPort: 443}
    vips: {controlPlaneVIP: 10.2.0.175}
    addressPools: [{name: pool-1, addresses: [10.2.0.212-10.2.0.221, "fd12::4:101-fd12::4:110"]}]
  nodeConfig: {podDensity: {maxPodsPerNode: 110}}
---
apiVersion: baremetal.cluster.gke.io/v1alpha1
kind: ClusterCIDRConfig
metadata: {name: ranges, namespace: large}
spec:
  ipv4: {cidr: 172.16.0.0/12, perNodeMaskSize: 25}
  ipv6: {cidr: "fd12:0:0:1::/64", perNodeMaskSize: 121}
---
apiVersion: baremetal.cluster.gke.io/v1
kind: NodePool
metadata: {name: workers, namespace: large}
spec:
  clusterName: large
  nodes:
`)
	for i := range workers {
		fmt.Fprintf(&manifests, "  - address: 10.3.%d.%d\n", i/250, 1+i%250)
	}
	in := resolve(b, "large.yaml", manifests.String())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := render.Cluster(in); err != nil {
			b.Fatal(err)
		}
	}
}
