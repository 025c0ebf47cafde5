package ledger_test

import (
	"errors"
	"testing"

	"github.com/dualstrap/dualstrap/controller/internal/ledger"
)

func TestLedger(t *testing.T) {
	t.Parallel()
	two := []string{"c 10.0.0.0/23>24 fd00::/119>120"}
	four := []string{"c 10.0.0.0/22>24 fd00::/118>120"}
	const a, b, c = "10.0.0.0/24 fd00::/120", "10.0.1.0/24 fd00::100/120", "10.0.2.0/24 fd00::200/120"
	for _, s := range []story{
		{
			name: "nodes that wait together: the specific first, then the older, then by name",
			steps: []step{
				{configs: []string{"all 10.0.0.0/22>24 fd00::/118>120", "p 10.9.0.0/24>24 fd09::/120>120 {p=1}"}},
				{see: "n1 t9"},
				{see: "n2 t5"},
				{see: "n4 t1"},
				{see: "n3 t1"},
				{see: "n5 t10 {p=1}"},
				{assign: []string{"n3 " + a, "n4 " + b, "n2 " + c, "n1 10.0.3.0/24 fd00::300/120", "n5 10.9.0.0/24 fd09::/120"}},
			},
		},
		{
			name: "blocks that nodes hold are known before anything is handed out",
			steps: []step{
				{configs: four},
				{see: "n3"},
				{see: "n1 [" + a + "]"},
				{see: "n2 [" + c + "]"},
				{assign: []string{"n3 " + b}},
			},
		},
		{
			name: "a Node as it was before its podCIDRs were written changes nothing",
			steps: []step{
				{configs: four},
				{see: "n1 v1"},
				{assign: []string{"n1 " + a}},
				{see: "n1 v1"}, // the informer lags behind the promise
				{see: "n2"},
				{assign: []string{"n2 " + b}},
				{see: "n1 v9 [" + a + "]"}, // the response to the write
				{see: "n1 v5 {new=label}"}, // the informer lags behind the response
				{see: "n3"},
				{assign: []string{"n3 " + c}},
			},
		},
		{
			name: "a node that is deleted keeps its blocks until it is gone", why: "k/k#127792",
			steps: []step{
				{configs: two},
				{see: "n1 [" + a + "]"},
				{see: "n1 [" + a + "] leaving"},
				{see: "n2"},
				{assign: []string{"n2 " + b}},
				{gone: "n1"},
				{see: "n3"},
				{assign: []string{"n3 " + a}},
			},
		},
		{
			name: "a node that is being deleted gets nothing",
			steps: []step{
				{configs: two},
				{see: "n1 v1"},
				{see: "n1 v2 leaving"},
				{assign: []string{}},
			},
		},
		{
			name: "deleted and created again, and nobody told",
			steps: []step{
				{configs: four},
				{see: "n1/old"},
				{see: "n2"},
				{assign: []string{"n1 " + a, "n2 " + b}},
				{see: "n1/new"},
				{assign: []string{"n1 " + a}},
				{gone: "n1/old"}, // a stale deletion
				{see: "n3"},
				{assign: []string{"n3 " + c}},
			},
		},
		{
			name: "an old Node of the same name is seen after the new one", why: "a new leader lists first and then starts its cache",
			steps: []step{
				{configs: four},
				{see: "n1/new v9 [" + a + "]"},
				{see: "n1/old v3 [" + b + "]"},
				{gone: "n1/old"},
				{see: "n2"},
				{assign: []string{"n2 " + b}},
			},
		},
		{
			name: "somebody else was faster",
			steps: []step{
				{configs: two},
				{see: "n1"},
				{assign: []string{"n1 " + a}},
				{see: "n2"},
				{assign: []string{"n2 " + b}},
				{see: "n3"},
				{assign: []string{}, reports: []string{"n3 CIDRNotAvailable"}},
				{see: "n1 [172.16.0.0/24 fd99::/120]", reports: []string{"n1 ForeignPodCIDR"}},
				{assign: []string{"n3 " + a}},
			},
		},
		{
			name: "a promise outlives changes of labels and configs",
			steps: []step{
				{configs: []string{"all 10.0.0.0/22>24 fd00::/118>120", "p 10.9.0.0/24>24 fd09::/120>120 {p=1}"}},
				{see: "n1"},
				{assign: []string{"n1 " + a}},
				{see: "n1 {p=1}"},
				{assign: []string{}},
				{see: "n1 {p=1} [" + a + "]"},
				{see: "n1 {p=2} [" + a + "]"},
				{configs: []string{"p 10.9.0.0/24>24 fd09::/120>120 {p=1}", "q 10.0.0.0/22>24 fd00::/118>120"}},
				{see: "n2"},
				{assign: []string{"n2 " + b}},
			},
		},
		{
			name: "exhausted: said once, and served when there is room",
			steps: []step{
				{configs: two},
				{see: "n1 [" + a + "]"},
				{see: "n2 [" + b + "]"},
				{see: "n3"},
				{assign: []string{}, reports: []string{"n3 CIDRNotAvailable"}},
				{see: "n3"}, // a heartbeat
				{assign: []string{}},
				{see: "n3 {new=label}"},
				{assign: []string{}},
				{gone: "n2"},
				{assign: []string{"n3 " + b}},
				{gone: "n3"},
				{see: "n4"},
				{assign: []string{"n4 " + b}},
			},
		},
		{
			name: "no room in one family takes nothing of the other", why: "upstream leaks an IPv4 block with each try",
			steps: []step{
				{configs: []string{"c 10.0.0.0/22>24 fd00::/120>120"}},
				{see: "n1"},
				{see: "n2"},
				{assign: []string{"n1 " + a}, reports: []string{"n2 CIDRNotAvailable"}},
				{see: "n2 {x=1}"},
				{assign: []string{}},
				{configs: []string{"c 10.0.0.0/22>24 fd00::/120>120", "d 10.0.0.0/22>24 fd01::/120>120"}},
				{assign: []string{"n2 10.0.1.0/24 fd01::/120"}},
			},
		},
		{
			name: "no match: served when a label or a config comes",
			steps: []step{
				{configs: []string{"p 10.0.0.0/22>24 fd00::/118>120 {p=1}"}},
				{see: "n1"},
				{see: "n2"},
				{assign: []string{}, reports: []string{"n1 NoMatchingClusterCIDRConfig", "n2 NoMatchingClusterCIDRConfig"}},
				{see: "n1 {p=1}"},
				{assign: []string{"n1 " + a}},
				{configs: []string{"p 10.0.0.0/22>24 fd00::/118>120 {p=1}", "all 10.8.0.0/24>24 fd08::/120>120"}},
				{assign: []string{"n2 10.8.0.0/24 fd08::/120"}},
			},
		},
		{
			name: "podCIDRs with host bits are what they mean",
			steps: []step{
				{configs: []string{"c 10.10.0.0/16>24 ace:cab:deca::/112>120"}},
				{see: "n1 [10.10.0.1/24 ace:cab:deca::1/120]"},
				{see: "n2"},
				{assign: []string{"n2 10.10.1.0/24 ace:cab:deca::100/120"}},
			},
		},
		{
			name: "foreign podCIDRs are reported, once, and stay", why: "in-tree, the process ends",
			steps: []step{
				{configs: two},
				{see: "n1 [172.10.0.1/24 ace::/120]", reports: []string{"n1 ForeignPodCIDR"}},
				{see: "n1 [172.10.0.1/24 ace::/120]"},
				{assign: []string{}},
			},
		},
		{
			name: "a node with one family keeps it and gets no other",
			steps: []step{
				{configs: two},
				{see: "n1 [10.0.0.0/24]", reports: []string{"n1 ForeignPodCIDR"}},
				{see: "n2"},
				{assign: []string{"n2 10.0.1.0/24 fd00::/120"}},
			},
		},
		{
			name: "two nodes with one block: reported, and free when both are gone", why: "upstream frees it with the first",
			steps: []step{
				{configs: two},
				{see: "n1 [" + a + "]"},
				{see: "n2 [" + a + "]", reports: []string{"n2 DuplicatePodCIDR"}},
				{gone: "n1"},
				{see: "n3"},
				{assign: []string{"n3 " + b}},
				{gone: "n2"},
				{see: "n4"},
				{assign: []string{"n4 " + a}},
			},
		},
		{
			name: "a config that closes hands out nothing, and what it gave stays taken",
			steps: []step{
				{configs: two},
				{see: "n1"},
				{assign: []string{"n1 " + a}},
				{configs: []string{two[0] + " closed"}},
				{see: "n2"},
				{assign: []string{}, reports: []string{"n2 NoMatchingClusterCIDRConfig"}},
				{configs: []string{"new 10.0.0.0/23>24 fd00::/119>120"}},
				{assign: []string{"n2 " + b}},
			},
		},
		{
			name: "reserved ranges come and go",
			steps: []step{
				{configs: four},
				{reserve: "10.0.0.0/25 fd00::/120"},
				{see: "n1"},
				{assign: []string{"n1 " + b}},
				{reserve: "10.0.0.0/25 fd00::/120 10.0.2.0/23"},
				{see: "n2"},
				{assign: []string{}, reports: []string{"n2 CIDRNotAvailable"}},
				{reserve: "none"},
				{assign: []string{"n2 " + a}},
				{see: "n3"},
				{assign: []string{"n3 " + c}},
			},
		},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t)
		})
	}
}

// TestUnknownOutcome checks that a promise stands, whatever the write returned.
func TestUnknownOutcome(t *testing.T) {
	t.Parallel()
	l := ledger.New()
	if err := l.SetConfigs(parseConfigs(t, "c 10.0.0.0/23>24 fd00::/119>120")); err != nil {
		t.Fatal(err)
	}
	l.Observe(parseNode(t, "n1/u", 1))
	promised, _ := l.Assign()
	lost := errors.New("timeout")
	if reports := l.Failed("n1", "u", lost); len(reports) != 1 || reports[0].Reason != ledger.AssignmentFailed {
		t.Errorf("the first failure gives %v", reports)
	}
	if reports := l.Failed("n1", "u", lost); len(reports) != 0 {
		t.Errorf("the same failure gives %v", reports)
	}
	if reports := l.Failed("n1", "other", lost); len(reports) != 0 {
		t.Errorf("a failure for a Node that is gone gives %v", reports)
	}
	l.Observe(parseNode(t, "n1/u", 2), parseNode(t, "n2", 3))
	if again, ok := l.Promised("n1"); !ok || again != promised[0] {
		t.Errorf("promised %v, and then %v", promised[0], again)
	}
	next, _ := l.Assign()
	if len(next) != 1 || next[0].PodCIDRs == promised[0].PodCIDRs {
		t.Errorf("promised %v to one node, and %v to another", promised, next)
	}
	l.Forget("n1", "u")
	if _, ok := l.Promised("n1"); ok {
		t.Error("a promise outlives its node")
	}
}
