//go:build integration

package controller_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/dualstrap/dualstrap/internal/kubetest"
)

// manyNodes is the number of Nodes that wait for podCIDRs.
const manyNodes = 5000

// BenchmarkAssign measures how long a server full of new Nodes takes from the first Node with podCIDRs to the last:
// with this controller, with the range allocator of kube-controller-manager, and with writes alone, which is the limit
// that the API server sets. All run against the same API server.
func BenchmarkAssign(b *testing.B) {
	c := newCluster(b)
	for _, bench := range []struct {
		name  string
		serve func(testing.TB, *cluster)
	}{
		{"writes-alone", writeAlone},
		{"kube-controller-manager", startRangeAllocator},
		{"dualstrap", func(tb testing.TB, c *cluster) {
			tb.Helper()
			c.createConfig(tb, "all", "10.0.0.0/8>24 fd00::/104>120")
			c.start(tb)
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				c.clear(b)
				c.createNodes(b, names(manyNodes)...)
				watched := c.watchServed(b, manyNodes)
				b.StartTimer()
				bench.serve(b, c)
				b.ReportMetric(float64(manyNodes-1)/(<-watched).Seconds(), "nodes/s")
				if served := c.checkUnique(b); served != manyNodes {
					b.Fatalf("%d nodes have podCIDRs", served)
				}
			}
		})
	}
}

// watchServed returns the time from the first Node with podCIDRs to the last of n.
func (c *cluster) watchServed(b *testing.B, n int) <-chan time.Duration {
	b.Helper()
	list, err := c.typed.CoreV1().Nodes().List(b.Context(), metav1.ListOptions{Limit: 1})
	if err != nil {
		b.Fatal(err)
	}
	watch, err := c.typed.CoreV1().Nodes().Watch(b.Context(), metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		b.Fatal(err)
	}
	took := make(chan time.Duration, 1)
	go func() {
		defer watch.Stop()
		var first time.Time
		served := map[string]bool{}
		for event := range watch.ResultChan() {
			node, ok := event.Object.(*corev1.Node)
			if !ok || len(node.Spec.PodCIDRs) == 0 {
				continue
			}
			if served[node.Name] = true; len(served) == 1 {
				first = time.Now()
			}
			if len(served) == n {
				break
			}
		}
		took <- time.Since(first)
	}()
	return took
}

// writeAlone writes precomputed podCIDRs, with as many concurrent writes as the controller.
func writeAlone(tb testing.TB, c *cluster) {
	tb.Helper()
	var group errgroup.Group
	group.SetLimit(16)
	for i, name := range names(manyNodes) {
		group.Go(func() error {
			v4, v6 := fmt.Sprintf("10.%d.%d.0/24", i>>8, i&0xff), fmt.Sprintf("fd00::%x:0/112", i+1)
			patch, err := json.Marshal(map[string]any{"spec": map[string]any{"podCIDR": v4, "podCIDRs": []string{v4, v6}}})
			if err != nil {
				return err
			}
			_, err = c.typed.CoreV1().Nodes().Patch(context.WithoutCancel(tb.Context()), name, types.MergePatchType, patch, metav1.PatchOptions{})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		tb.Fatal(err)
	}
}

// startRangeAllocator runs kube-controller-manager with its client-side rate limits raised.
func startRangeAllocator(tb testing.TB, c *cluster) {
	tb.Helper()
	kubetest.RunControllerManager(tb, c.config, "node-ipam-controller",
		"--allocate-node-cidrs", "--cluster-cidr=10.0.0.0/8,fd00::/104",
		"--node-cidr-mask-size-ipv4=24", "--node-cidr-mask-size-ipv6=120",
		"--service-cluster-ip-range="+kubetest.ServiceRanges,
		"--kube-api-qps=10000", "--kube-api-burst=10000",
	)
}
