//go:build integration

package controller_test

import (
	"fmt"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func (c *cluster) testRecreated(t *testing.T) {
	t.Helper()
	c.createConfig(t, "small", "10.0.0.0/23>24 fd00::/119>120")
	c.start(t)
	for range 5 {
		c.createNode(t, "n1")
		c.waitHolds(t, "n1", "10.0.0.0/24 fd00::/120")
		c.deleteNode(t, "n1")
	}
	c.createNode(t, "n1 [10.0.1.0/24 fd00::100/120]")
	c.createNode(t, "n2")
	c.waitHolds(t, "n2", "10.0.0.0/24 fd00::/120")
}

func (c *cluster) testLeaving(t *testing.T) {
	t.Helper()
	c.createConfig(t, "small", "10.0.0.0/23>24 fd00::/119>120")
	c.start(t)
	node := &corev1.Node{}
	node.Name, node.Finalizers = "n1", []string{"example.com/keep"}
	if err := c.client.Create(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	c.waitHolds(t, "n1", "10.0.0.0/24 fd00::/120")
	if err := c.client.Delete(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	c.createNode(t, "n2")
	c.waitHolds(t, "n2", "10.0.1.0/24 fd00::100/120")
	c.createNode(t, "n3")
	c.waitEvent(t, "n3", "CIDRNotAvailable")
	c.deleteNode(t, "n1") // this removes the finalizer as well
	c.waitHolds(t, "n3", "10.0.0.0/24 fd00::/120")
}

func (c *cluster) testRestart(t *testing.T) {
	t.Helper()
	c.createConfig(t, "all", "10.0.0.0/20>24 fd00::/116>120")
	for round := range 3 {
		p := c.start(t)
		name := fmt.Sprintf("n%d", round)
		c.createNode(t, name)
		c.waitHolds(t, name, []string{
			"10.0.0.0/24 fd00::/120", "10.0.1.0/24 fd00::100/120", "10.0.2.0/24 fd00::200/120",
		}[round])
		p.end(t, syscall.SIGTERM)
	}
	c.deleteNode(t, "n1") // while no controller runs
	c.createNode(t, "n9")
	c.createNode(t, "n8")
	c.start(t)
	c.waitHolds(t, "n8", "10.0.1.0/24 fd00::100/120") // created in the same second, so the name decides
	c.waitHolds(t, "n9", "10.0.3.0/24 fd00::300/120")
}

// testHandover stops one of two controllers. The other takes over without waiting for the lease to expire.
func (c *cluster) testHandover(t *testing.T) {
	t.Helper()
	c.createConfig(t, "all", "10.0.0.0/20>24 fd00::/116>120")
	first := c.start(t)
	c.createNode(t, "n1")
	c.waitHolds(t, "n1", "10.0.0.0/24 fd00::/120")
	second := c.start(t)
	c.eventually(t, "the second is ready", func() string {
		if second.get(t, "/readyz") == "" {
			return "it is not"
		}
		return ""
	})
	if second.leads() && first.starts.Load() == 1 {
		t.Error("two lead")
	}
	first.end(t, syscall.SIGTERM)
	c.createNode(t, "n2")
	c.waitHolds(t, "n2", "10.0.1.0/24 fd00::100/120")
	if !second.leads() {
		t.Error("another controller assigns podCIDRs")
	}
}
