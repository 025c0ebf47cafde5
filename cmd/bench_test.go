package cmd_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// largeCluster writes the manifests of a cluster with three control plane nodes and the given number of workers, in pools
// of at most 1,000, and returns the path of the file.
func largeCluster(tb testing.TB, workers int) string {
	tb.Helper()
	var out bytes.Buffer
	out.WriteString(largeClusterHead)
	for n, address := range largeAddresses(workers + 3)[3:] {
		if n%1000 == 0 {
			fmt.Fprintf(&out, largeClusterPool, n/1000)
		}
		fmt.Fprintf(&out, "  - address: %s\n", address)
	}
	path := filepath.Join(tb.TempDir(), "large.yaml")
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		tb.Fatal(err)
	}
	return path
}

// largeAddresses returns the addresses of the nodes of such a cluster. The first three are the control plane's.
func largeAddresses(nodes int) []netip.Addr {
	addresses := []netip.Addr{netip.MustParseAddr("172.16.0.4"), netip.MustParseAddr("172.16.0.5"), netip.MustParseAddr("172.16.0.6")}
	address := netip.MustParseAddr("172.16.1.1")
	for len(addresses) < nodes {
		addresses = append(addresses, address)
		address = address.Next()
	}
	return addresses
}

const largeClusterHead = `apiVersion: v1
kind: Namespace
metadata:
  name: cluster-large
---
apiVersion: baremetal.cluster.gke.io/v1
kind: Cluster
metadata:
  name: large
  namespace: cluster-large
spec:
  type: standalone
  anthosBareMetalVersion: "1.36.3"
  controlPlane:
    nodePoolSpec:
      nodes:
      - address: 172.16.0.4
      - address: 172.16.0.5
      - address: 172.16.0.6
  clusterNetwork:
    pods:
      cidrBlocks: [10.0.0.0/8]
    services:
      cidrBlocks: [192.168.0.0/20, "fd12::1:0/112"]
  loadBalancer:
    mode: manual
    ports:
      controlPlaneLBPort: 443
    vips:
      controlPlaneVIP: 172.16.0.2
  nodeConfig:
    podDensity:
      maxPodsPerNode: 32
---
apiVersion: baremetal.cluster.gke.io/v1alpha1
kind: ClusterCIDRConfig
metadata:
  name: cluster-wide-ranges
  namespace: cluster-large
spec:
  ipv4: {cidr: 10.0.0.0/8, perNodeMaskSize: 26}
  ipv6: {cidr: "fd12:1::/64", perNodeMaskSize: 122}
`

const largeClusterPool = `---
apiVersion: baremetal.cluster.gke.io/v1
kind: NodePool
metadata:
  name: pool-%d
  namespace: cluster-large
spec:
  clusterName: large
  nodes:
`

// BenchmarkWholeProcess runs the built program as users do, and reports the wall time and the peak memory.
func BenchmarkWholeProcess(b *testing.B) {
	program := buildProgram(b)
	for _, workers := range []int{5_000, 9_997} {
		file := largeCluster(b, workers)
		tree := filepath.Join(b.TempDir(), "tree")
		commands := map[string][]string{
			"check-config": {"check", "config", "-f", file},
			"plan-json":    {"plan", "-f", file, "-o", "json"},
		}
		if workers <= 5_000 {
			commands["render"] = []string{"render", "-f", file, "--output-dir", tree}
			commands["dry-run"] = []string{"create", "cluster", "-f", file, "--dry-run"}
		}
		for name, args := range commands {
			b.Run(fmt.Sprintf("%s/%d-nodes", name, workers), func(b *testing.B) {
				var peak int64
				for b.Loop() {
					peak = max(peak, run(b, program, args))
				}
				b.ReportMetric(float64(peak)/1024, "MiB-peak")
			})
		}
	}
}

// run runs the program and returns its peak memory in KiB.
func run(b *testing.B, program string, args []string) int64 {
	b.Helper()
	var stderr bytes.Buffer
	command := exec.CommandContext(b.Context(), program, args...)
	command.Stderr = &stderr
	if err := command.Run(); err != nil {
		b.Fatalf("%v: %v\n%s", args, err, stderr.String())
	}
	return command.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
}
