//go:build integration

package controller_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/dualstrap/dualstrap/controller"
)

// TestIntegrationController runs controllers against a real API server, each in a process with the rights that are rendered for
// it.
func TestIntegrationController(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for _, test := range []struct {
		name string
		run  func(*cluster, *testing.T)
	}{
		{"nodes get both families", (*cluster).testBothFamilies},
		{"the most specific config", (*cluster).testRank},
		{"exhausted", (*cluster).testExhausted},
		{"no match", (*cluster).testNoMatch},
		{"podCIDRs that nobody planned", (*cluster).testUnplanned},
		{"the life of a config", (*cluster).testConfigLife},
		{"status and metrics", (*cluster).testStatus},
		{"ranges of Services", (*cluster).testServices},
		{"serving certificates", (*cluster).testServing},
		{"deleted and created again", (*cluster).testRecreated},
		{"a node that is being deleted", (*cluster).testLeaving},
		{"restart", (*cluster).testRestart},
		{"handover", (*cluster).testHandover},
		{"the leader is killed", (*cluster).testKilled},
		{"a writer that is faster", (*cluster).testRace},
		{"an answer that is lost", (*cluster).testLostAnswer},
		{"thousands of nodes", (*cluster).testMany},
	} {
		t.Run(test.name, func(t *testing.T) {
			c.clear(t)
			test.run(c, t)
		})
	}
}

func (c *cluster) testBothFamilies(t *testing.T) {
	t.Helper()
	c.createConfig(t, "all", "192.168.0.0/16>24 fd00:30:100::/112>120")
	c.createNode(t, "before")
	p := c.start(t)
	c.waitHolds(t, "before", "192.168.0.0/24 fd00:30:100::/120")
	for i := range 3 {
		name := fmt.Sprintf("n%d", i+1)
		c.createNode(t, name)
		c.waitHolds(t, name, fmt.Sprintf("192.168.%d.0/24 fd00:30:100::%d00/120", i+1, i+1))
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		c.eventually(t, path, func() string {
			if p.get(t, path) == "" {
				return "not well"
			}
			return ""
		})
	}
	p.end(t, syscall.SIGTERM)
	if p.code != 0 {
		t.Errorf("told to stop, the controller ends with %d", p.code)
	}
}

func (c *cluster) testRank(t *testing.T) {
	t.Helper()
	c.createConfig(t, "all", "10.0.0.0/16>24 fd00::/112>120")
	c.createConfig(t, "one", "10.1.0.0/16>24 fd01::/112>120 {a=1}")
	c.createConfig(t, "two", "10.2.0.0/16>24 fd02::/112>120 {a=1,b=2}")
	c.start(t)
	c.createNode(t, "n-two {a=1,b=2}")
	c.createNode(t, "n-one {a=1,b=9}")
	c.createNode(t, "n-all {b=2}")
	c.waitHolds(t, "n-two", "10.2.0.0/24 fd02::/120")
	c.waitHolds(t, "n-one", "10.1.0.0/24 fd01::/120")
	c.waitHolds(t, "n-all", "10.0.0.0/24 fd00::/120")

	c.label(t, "n-all", "{a=1,b=2}")
	c.createNode(t, "later {a=1,b=2}")
	c.waitHolds(t, "later", "10.2.1.0/24 fd02::100/120")
	c.waitHolds(t, "n-all", "10.0.0.0/24 fd00::/120")
}

func (c *cluster) testExhausted(t *testing.T) {
	t.Helper()
	c.createConfig(t, "small", "192.168.0.0/23>24 fd00:30:100::/119>120")
	c.start(t)
	c.createNode(t, "n1")
	c.waitHolds(t, "n1", "192.168.0.0/24 fd00:30:100::/120")
	c.createNode(t, "n2")
	c.waitHolds(t, "n2", "192.168.1.0/24 fd00:30:100::100/120")
	c.createNode(t, "n3")
	message := c.waitEvent(t, "n3", "CIDRNotAvailable")
	if want := namespace + "/small has no free /24 in 192.168.0.0/23"; !strings.Contains(message, want) {
		t.Errorf("the Event says %q, not %q", message, want)
	}
	if held := c.node(t, "n3").Spec.PodCIDRs; len(held) > 0 {
		t.Errorf("n3 holds %v", held)
	}
	c.label(t, "n3", "{new=label}") // triggers another attempt, with the same result
	c.createNode(t, "n4")
	c.waitEvent(t, "n4", "CIDRNotAvailable")
	if all := c.events(t, "n3"); len(all) != 1 || all[0].Series != nil {
		t.Errorf("the same is said more than once: %v", all)
	}
	c.deleteNode(t, "n1")
	c.waitHolds(t, "n3", "192.168.0.0/24 fd00:30:100::/120")
	c.createConfig(t, "more", "192.168.8.0/23>24 fd00:30:108::/119>120")
	c.waitHolds(t, "n4", "192.168.8.0/24 fd00:30:108::/120")
}

func (c *cluster) testNoMatch(t *testing.T) {
	t.Helper()
	c.createConfig(t, "labelled", "10.0.0.0/16>24 fd00::/112>120 {p=1}")
	c.start(t)
	c.createNode(t, "n1 {p=2}")
	if message := c.waitEvent(t, "n1", "NoMatchingClusterCIDRConfig"); !strings.Contains(message, namespace+"/labelled") {
		t.Errorf("the Event does not name the config: %q", message)
	}
	c.label(t, "n1", "{p=1}")
	c.waitHolds(t, "n1", "10.0.0.0/24 fd00::/120")
	c.createNode(t, "n2 {p=2}")
	c.waitEvent(t, "n2", "NoMatchingClusterCIDRConfig")
	c.createConfig(t, "all", "10.9.0.0/16>24 fd09::/112>120")
	c.waitHolds(t, "n2", "10.9.0.0/24 fd09::/120")
}

func (c *cluster) testUnplanned(t *testing.T) {
	t.Helper()
	c.createConfig(t, "all", "10.0.0.0/16>24 fd00::/112>120")
	c.createNode(t, "a-foreign [172.16.5.0/24 fd99::/120]")
	c.createNode(t, "b-first [10.0.0.0/24 fd00::/120]")
	c.createNode(t, "c-second [10.0.0.0/24 fd00::100/120]")
	c.createNode(t, "d-one-family [10.0.2.0/24]")
	c.start(t)
	if message := c.waitEvent(t, "a-foreign", "ForeignPodCIDR"); !strings.Contains(message, "172.16.5.0/24") {
		t.Errorf("the Event does not name the podCIDR: %q", message)
	}
	if message := c.waitEvent(t, "c-second", "DuplicatePodCIDR"); !strings.Contains(message, "b-first") {
		t.Errorf("the Event does not name the other node: %q", message)
	}
	c.waitEvent(t, "d-one-family", "ForeignPodCIDR")
	c.createNode(t, "n1")
	c.waitHolds(t, "n1", "10.0.1.0/24 fd00::200/120")
	c.waitHolds(t, "a-foreign", "172.16.5.0/24 fd99::/120")
	c.waitHolds(t, "d-one-family", "10.0.2.0/24")
	c.deleteNode(t, "b-first") // c-second still holds the block
	c.createNode(t, "n2")
	c.waitHolds(t, "n2", "10.0.3.0/24 fd00::/120")
}

func (c *cluster) testConfigLife(t *testing.T) {
	t.Helper()
	gone := func(name string) func() string {
		return func() string {
			if c.ranges(t, name) != nil {
				return "it is there"
			}
			return ""
		}
	}
	c.createConfig(t, "unused", "10.8.0.0/16>24 fd08::/112>120 {nobody=here}")
	c.createConfig(t, "used", "10.0.0.0/16>24 fd00::/112>120")
	p := c.start(t)
	c.createNode(t, "n1")
	c.waitHolds(t, "n1", "10.0.0.0/24 fd00::/120")
	for _, name := range []string{"used", "unused"} {
		if found := c.ranges(t, name); len(found.Finalizers) != 1 || found.Finalizers[0] != controller.Finalizer {
			t.Errorf("the finalizers of %s are %v", name, found.Finalizers)
		}
		c.deleteConfig(t, name)
	}
	c.eventually(t, "the unused config goes", gone("unused"))
	c.eventually(t, "the used config says that it is terminating", func() string {
		found := c.ranges(t, "used")
		if meta.IsStatusConditionTrue(found.Status.Conditions, "terminating") && meta.IsStatusConditionFalse(found.Status.Conditions, "active") {
			return ""
		}
		return fmt.Sprint(found.Status.Conditions)
	})
	c.createNode(t, "n2")
	c.waitEvent(t, "n2", "NoMatchingClusterCIDRConfig")

	p.end(t, syscall.SIGTERM)
	c.start(t) // a new leader has to learn that the config is in use
	c.createNode(t, "n3")
	c.waitEvent(t, "n3", "NoMatchingClusterCIDRConfig")
	if all := c.events(t, "n1"); len(all) > 0 {
		t.Errorf("podCIDRs of a terminating config are reported: %v", all)
	}
	if c.ranges(t, "used") == nil {
		t.Fatal("the config is gone, and n1 holds blocks of it")
	}
	c.deleteNode(t, "n1")
	c.eventually(t, "the config goes with the last node", gone("used"))
}

func (c *cluster) testStatus(t *testing.T) {
	t.Helper()
	c.createConfig(t, "small", "10.0.0.0/23>24 fd00::/112>120 {p=1}")
	c.createConfig(t, "large", "10.4.0.0/16>24 fd04::/64>120")
	p := c.start(t)
	c.createNode(t, "n1 {p=1}")
	c.createNode(t, "n2")
	c.createNode(t, "n3")
	status := func(name string) func() string {
		return func() string {
			s := c.ranges(t, name).Status
			if s.IPv4 == nil || s.IPv6 == nil {
				return "no status"
			}
			active := meta.FindStatusCondition(s.Conditions, "active")
			return fmt.Sprintf("%s %d %s, %v %v, %s %s", s.Capacity, s.Allocated, s.Free, *s.IPv4, *s.IPv6, active.Status, active.Reason)
		}
	}
	want := func(name, want string) {
		c.eventually(t, "status of "+name, func() string { return strings.TrimPrefix(status(name)(), want) })
	}
	want("small", "2 1 1, {2 1 1} {256 1 255}, True valid_available_cidr")
	want("large", "256 2 254, {256 2 254} {72057594037927936 2 72057594037927934}, True valid_available_cidr")
	c.createNode(t, "n4 {p=1}")
	want("small", "2 2 0, {2 2 0} {256 2 254}, False cidr_exhausted")
	c.deleteNode(t, "n1")
	want("small", "2 1 1, {2 1 1} {256 1 255}, True valid_available_cidr")
	for _, line := range []string{
		"dualstrap_controller_assigned_total 4",
		"dualstrap_controller_unserved_nodes 0",
		`dualstrap_controller_blocks{config="cluster-dual-stack/small",family="IPv4",state="used"} 1`,
		`dualstrap_controller_blocks{config="cluster-dual-stack/small",family="IPv6",state="free"} 255`,
		"dualstrap_controller_write_seconds_count 4",
	} {
		c.eventually(t, "metrics", func() string {
			if got := p.get(t, "/metrics"); !strings.Contains(got, line+"\n") {
				return line + " is not in\n" + got
			}
			return ""
		})
	}
}

// testServices uses a config that contains the Service ranges: 172.16.0.0/20 and fd12::5:0/116.
func (c *cluster) testServices(t *testing.T) {
	t.Helper()
	c.createConfig(t, "around", "172.16.0.0/19>24 fd12::5:0/112>120")
	c.start(t)
	c.createNode(t, "n1")
	c.waitHolds(t, "n1", "172.16.16.0/24 fd12::5:1000/120")
	more := &networkingv1.ServiceCIDR{Spec: networkingv1.ServiceCIDRSpec{CIDRs: []string{"172.16.17.0/24", "fd12::5:1100/120"}}}
	more.Name = "more"
	if err := c.client.Create(t.Context(), more); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.client.Delete(t.Context(), more); err != nil {
			t.Error(err)
		}
	}()
	c.eventually(t, "the range counts as taken", func() string {
		if s := c.ranges(t, "around").Status; s.Free != "14" {
			return "free are " + s.Free
		}
		return ""
	})
	c.createNode(t, "n2")
	c.waitHolds(t, "n2", "172.16.18.0/24 fd12::5:1200/120")
}
