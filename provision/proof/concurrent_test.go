package proof_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualstrap/dualstrap/provision/proof"
	"github.com/dualstrap/dualstrap/provision/proof/prooftest"
)

// expectTwoProven makes two proofs of the same cluster, the second one some time later than the first. Both have to pass,
// and nothing of them may be left.
func expectTwoProven(t *testing.T, n *prooftest.Network, later time.Duration) {
	t.Helper()
	clusters := []proof.Cluster{n.Cluster(t.Context()), n.Cluster(t.Context())}
	errs := make(chan error)
	for i, cluster := range clusters {
		go func() {
			time.Sleep(time.Duration(i) * later)
			report, err := proof.Run(t.Context(), cluster)
			errs <- errors.Join(err, report.Err())
		}()
	}
	for range clusters {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	expectNothingLeft(t, n)
}

// TestTwoProofsAtOnce makes two proofs of the same cluster that begin at different times.
func TestTwoProofsAtOnce(t *testing.T) {
	t.Parallel()
	for _, later := range []time.Duration{0, 10 * time.Millisecond, time.Second, 2200 * time.Millisecond} {
		t.Run(fmt.Sprint("the second one begins after ", later), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { expectTwoProven(t, prooftest.New(t), later) })
		})
	}
}

// TestQuickProofBesideASlowOne lets a proof end while an earlier one still waits for its pods. It has seen the namespace of
// the earlier one at its beginning, and must not take it for a leftover.
func TestQuickProofBesideASlowOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := prooftest.New(t)
		var servers atomic.Int32
		for _, node := range n.Nodes {
			node.Wrap = func(next http.Handler) http.Handler {
				if ofFirst := int32(2 * len(n.Nodes)); servers.Add(1) <= ofFirst { // each pod has two
					return refuseFor(8 * time.Second)(next)
				}
				return next
			}
		}
		expectTwoProven(t, n, time.Second)
	})
}
