//go:build integration

package controller_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// testKilled kills the leader while it serves five hundred nodes: fifty hold their podCIDRs, and the writes of others
// are in flight.
func (c *cluster) testKilled(t *testing.T) {
	t.Helper()
	const count, before = 500, 50
	c.createConfig(t, "all", "10.0.0.0/14>24 fd00::/110>120")
	g := c.newGate(t)
	var writes atomic.Int32
	killed := make(chan struct{})
	release := sync.OnceFunc(func() { close(killed) })
	defer release()
	g.set(func(string) verdict {
		if writes.Add(1) > before {
			<-killed
		}
		return through
	})
	first := c.startAt(t, g.cluster())
	c.eventually(t, "the first leads", func() string {
		if !first.leads() {
			return "it does not"
		}
		return ""
	})
	second := c.start(t)
	c.createNodes(t, names(count)...)
	c.eventually(t, "writes are held up", func() string {
		if n := writes.Load(); n <= before {
			return fmt.Sprint(n)
		}
		return ""
	})
	first.end(t, syscall.SIGKILL)
	if served := c.checkUnique(t); served > before {
		t.Errorf("%d nodes have podCIDRs, and %d writes were let through", served, before)
	}
	release()
	c.waitServed(t, count)
	if !second.leads() {
		t.Error("another controller assigns podCIDRs")
	}
}

// testMany makes more nodes wait than the controller writes concurrently, and than the API server returns in a page.
func (c *cluster) testMany(t *testing.T) {
	t.Helper()
	c.createConfig(t, "all", "10.0.0.0/8>24 fd00::/104>120")
	all := names(manyNodes)
	c.createNodes(t, all[:manyNodes/2]...)
	p := c.start(t) // it lists one half, and watches the other half appear
	c.createNodes(t, all[manyNodes/2:]...)
	c.waitServed(t, manyNodes)
	c.eventually(t, "the status tells", func() string {
		if s := c.ranges(t, "all").Status; s.Allocated != manyNodes {
			return fmt.Sprint(s.Allocated)
		}
		return ""
	})
	if p.starts.Load() != 1 {
		t.Errorf("the controller was started %d times", p.starts.Load())
	}
}

// waitServed waits until a number of nodes have podCIDRs of both families, no two the same.
func (c *cluster) waitServed(t *testing.T, count int) {
	t.Helper()
	c.eventually(t, "all are served", func() string {
		if served := c.checkUnique(t); served < count {
			return fmt.Sprint(served)
		}
		return ""
	})
}

// testRace writes podCIDRs as a third party, after the controller has decided and before its write arrives.
func (c *cluster) testRace(t *testing.T) {
	t.Helper()
	c.createConfig(t, "all", "10.0.0.0/20>24 fd00::/116>120")
	g := c.newGate(t)
	arrived, proceed := make(chan struct{}), make(chan struct{})
	var once sync.Once
	g.set(func(string) verdict {
		once.Do(func() {
			close(arrived)
			<-proceed
		})
		return through
	})
	c.startAt(t, g.cluster())
	c.createNode(t, "n1")
	<-arrived
	node := c.node(t, "n1")
	before := node.DeepCopy()
	node.Spec.PodCIDR, node.Spec.PodCIDRs = "10.0.7.0/24", []string{"10.0.7.0/24", "fd00::700/120"}
	if err := c.client.Patch(t.Context(), node, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	close(proceed)
	c.createNode(t, "n2")
	c.waitHolds(t, "n2", "10.0.0.0/24 fd00::/120") // the block promised to n1 may be free again, or not yet
	c.waitHolds(t, "n1", "10.0.7.0/24 fd00::700/120")
	c.createNode(t, "n3")
	c.waitHolds(t, "n3", "10.0.1.0/24 fd00::100/120")
}

// testLostAnswer drops the responses of some writes, and drops other writes before they arrive.
func (c *cluster) testLostAnswer(t *testing.T) {
	t.Helper()
	c.createConfig(t, "all", "10.0.0.0/20>24 fd00::/116>120")
	g := c.newGate(t)
	tries := map[string]int{}
	var mu sync.Mutex
	g.set(func(node string) verdict {
		mu.Lock()
		defer mu.Unlock()
		tries[node]++
		switch {
		case node == "n1" && tries[node] == 1:
			return loseAnswer
		case node == "n2" && tries[node] <= 2:
			return loseRequest
		}
		return through
	})
	c.startAt(t, g.cluster())
	c.createNode(t, "n1")
	c.waitHolds(t, "n1", "10.0.0.0/24 fd00::/120")
	c.createNode(t, "n2")
	c.waitHolds(t, "n2", "10.0.1.0/24 fd00::100/120")
	c.createNode(t, "n3")
	c.waitHolds(t, "n3", "10.0.2.0/24 fd00::200/120")
	mu.Lock()
	defer mu.Unlock()
	if tries["n2"] != 3 {
		t.Errorf("n2 was written %d times, want 3", tries["n2"])
	}
	for _, name := range []string{"n1", "n2", "n3"} {
		if all := c.events(t, name); len(all) > 0 {
			t.Errorf("a hiccup is reported: %v", all)
		}
	}
}
