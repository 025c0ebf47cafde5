package proof_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dualstrap/dualstrap/provision/proof"
	"github.com/dualstrap/dualstrap/provision/proof/prooftest"
)

// TestInterrupts interrupts proofs at many moments. Whatever the proof was doing, it ends with the interrupt as its reason,
// says nothing about the cluster, and removes what it has created.
func TestInterrupts(t *testing.T) {
	t.Parallel()
	// An interrupt does not concern the cleanup, which begins with the first deletion. The last moments before it are left out:
	// a proof that sees its pods one poll earlier has reached the cleanup by then.
	whole := atomic.Int64{}
	synctest.Test(t, func(t *testing.T) {
		n := prooftest.New(t)
		cluster, began := n.Cluster(t.Context()), time.Now()
		n.API.Fail = func(verb, _ string) error {
			if verb == "delete" {
				whole.CompareAndSwap(0, int64(time.Since(began)))
			}
			return nil
		}
		if _, err := proof.Run(t.Context(), cluster); err != nil {
			t.Error(err)
		}
	})
	for percent := 0; percent <= 84; percent += 4 {
		t.Run(fmt.Sprint("after ", percent, " percent"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := prooftest.New(t)
				expectInterrupted(t, n, time.Duration(whole.Load()*int64(percent)/100))
			})
		})
	}
	t.Run("while a check waits", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			n := prooftest.New(t)
			n.VIP.Silent, n.Nodes[1].LacksNeighbors, n.DNS.Silent = true, true, prooftest.Families{"IPv6": true}
			expectInterrupted(t, n, 6*time.Second)
		})
	})
}

// expectInterrupted interrupts a proof some time after its beginning.
func expectInterrupted(t *testing.T, n *prooftest.Network, after time.Duration) {
	t.Helper()
	cluster := n.Cluster(t.Context())
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(after, cancel)
	defer cancel()
	report, err := proof.Run(ctx, cluster)
	if !errors.Is(err, context.Canceled) || report.OK || len(report.Checks) > 0 {
		t.Errorf("error %v, report %+v", err, report)
	}
	expectNothingLeft(t, n)
}

// TestErrorsOfTheAPIServer lets the API server refuse one kind of request. The proof could then not be made: there is an
// error, and no report that could be taken for one of a proven cluster.
func TestErrorsOfTheAPIServer(t *testing.T) {
	t.Parallel()
	for _, refused := range []string{
		"list *v1.NamespaceList", "create *v1.Namespace", "create *v1.DaemonSet", "create *v1.Service", "list *v1.PodList",
	} {
		t.Run(refused, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := prooftest.New(t)
				cluster := n.Cluster(t.Context())
				n.API.Fail = func(verb, kind string) error {
					if verb+" "+kind == refused {
						return apierrors.NewBadRequest("refused")
					}
					return nil
				}
				report, err := proof.Run(t.Context(), cluster)
				if err == nil || !strings.Contains(err.Error(), "refused") || report.OK || len(report.Checks) > 0 {
					t.Errorf("error %v, report %+v", err, report)
				}
				expectNothingLeft(t, n)
			})
		})
	}
}

// TestErrorsThatPass lets every second request of a kind fail, as while etcd elects a leader. Those that are made again
// then succeed.
func TestErrorsThatPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := prooftest.New(t)
		cluster := n.Cluster(t.Context())
		requests := sync.Map{}
		n.API.Fail = func(verb, kind string) error {
			isRetried := verb == "get" || verb == "delete" || verb == "create" && kind != "*v1.Namespace"
			count, _ := requests.LoadOrStore(verb+kind, new(atomic.Int32))
			if isRetried && count.(*atomic.Int32).Add(1)%2 == 1 {
				return apierrors.NewInternalError(errors.New("etcdserver: leader changed"))
			}
			return nil
		}
		report, err := proof.Run(t.Context(), cluster)
		if err != nil || !report.OK {
			t.Errorf("%v, %+v", err, report)
		}
		expectNothingLeft(t, n)
	})
}

// TestCleanupFails checks that what a proof cannot remove is an error, which names it.
func TestCleanupFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*prooftest.Network)
		want   string
	}{
		"the namespace stays": {
			func(n *prooftest.Network) { n.API.Terminating = true }, "is not gone after 1m0s: it is being deleted",
		},
		"the client keeps the server": {
			func(n *prooftest.Network) { n.Client.Keeps = true }, "cannot clean up on the client: read-only file system",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := prooftest.New(t)
				tt.change(n)
				report, err := proof.Run(t.Context(), n.Cluster(t.Context()))
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				if !report.OK {
					t.Errorf("the cluster is proven nevertheless: %+v", report)
				}
				if len(n.Left(t.Context())) == 0 {
					t.Error("there is nothing left")
				}
			})
		})
	}
}

// TestLeftovers proves a cluster with namespaces of earlier proofs, of which the last one was interrupted hard. A proof
// removes them, and no other namespace.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := prooftest.New(t)
		for name, labels := range map[string]map[string]string{
			"dualstrap-proof-old1": {"dualstrap.dev/proof": "true"}, "dualstrap-proof-old2": {"dualstrap.dev/proof": "true"},
			"dualstrap-proof-mine": nil,
		} {
			if err := n.API.Objects.Create(t.Context(), namespace(name, labels)); err != nil {
				t.Fatal(err)
			}
		}
		report, err := proof.Run(t.Context(), n.Cluster(t.Context()))
		if err != nil || !report.OK {
			t.Errorf("%v, %+v", err, report)
		}
		if left := n.Left(t.Context()); !slices.Equal(left, []string{"namespace /dualstrap-proof-mine"}) {
			t.Errorf("there is %q", left)
		}
	})
}

// TestLeftoversOfAnUnprovenCluster checks that leftovers are removed also if checks fail, and that a leftover which cannot
// be removed is an error.
func TestLeftoversOfAnUnprovenCluster(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := prooftest.New(t)
		n.DNS.Wrong = n.Nodes[0].IPv4
		old := namespace("dualstrap-proof-old", map[string]string{"dualstrap.dev/proof": "true"})
		if err := n.API.Objects.Create(t.Context(), old.DeepCopy()); err != nil {
			t.Fatal(err)
		}
		cluster := n.Cluster(t.Context())
		var deletions atomic.Int32
		n.API.Fail = func(verb, _ string) error {
			if verb == "delete" && deletions.Add(1) == 1 {
				return apierrors.NewForbidden(corev1.Resource("namespaces"), old.Name, errors.New("a webhook refuses"))
			}
			return nil
		}
		report, err := proof.Run(t.Context(), cluster)
		if err == nil || !strings.Contains(err.Error(), "cannot delete namespace dualstrap-proof-old") || report.OK {
			t.Errorf("%v, %+v", err, report)
		}
		n.API.Fail = nil
		prove(t, n)
	})
}

// namespace returns a namespace with labels.
func namespace(name string, labels map[string]string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}

// TestSlowClusters proves clusters in which something needs its time. A proof waits for what was just created, and not for
// ever.
func TestSlowClusters(t *testing.T) {
	t.Parallel()
	expectFound(t, []sabotage{
		{"pods start within the minute", func(n *prooftest.Network) { n.API.PodsAfter = 50 * time.Second }, ""},
		{
			"pods need more than a minute", func(n *prooftest.Network) { n.API.PodsAfter = 62 * time.Second },
			`failed pod-ips all: no pod comes up there
			skipped pod-to-pod all: does not run
			skipped pod-source-address all: does not run
			skipped service-cluster-ip all: no pod runs that could answer
			skipped service-dns all: does not run
			skipped service-load-balancer 10.2.0.100 -> load-balancer: no pod runs that could answer
			skipped flat-ipv6 all: does not run
			skipped island-ipv4 all: does not run`,
		},
		{"MetalLB assigns addresses within ten seconds", func(n *prooftest.Network) { n.Balancer.After = 9 * time.Second }, ""},
		{
			"MetalLB does not assign addresses", func(n *prooftest.Network) { n.Balancer.After = time.Hour },
			"failed service-load-balancer 10.2.0.100 -> load-balancer: it has the load balancer addresses none | does MetalLB's controller run?",
		},
		{"pods serve some seconds after they are ready", wrapPods(refuseFor(6 * time.Second)), ""},
		{
			"pods serve again after a minute", func(n *prooftest.Network) { n.Nodes[0].Wrap = refuseFor(time.Minute) },
			`failed pod-to-pod 10.2.0.4 -> 10.2.0.5: not yet
			failed pod-to-pod 10.2.0.6 -> 10.2.0.4: not yet
			failed pod-source-address 10.2.0.4 -> 10.2.0.5: not yet
			failed pod-source-address 10.2.0.6 -> 10.2.0.4: not yet
			failed service-cluster-ip all: not yet
			failed service-dns 10.2.0.4: not yet
			failed service-load-balancer 10.2.0.100 -> load-balancer: not yet
			failed flat-ipv6 10.2.0.100 -> 10.2.0.4: not yet
			failed flat-ipv6 10.2.0.4 -> 10.2.0.100: not yet
			failed island-ipv4 10.2.0.4 -> 10.2.0.100: not yet`,
		},
	})
}

// refuseFor returns a wrapper that answers with an error at first.
func refuseFor(first time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		begin := time.Now()
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if time.Since(begin) < first {
				http.Error(w, "not yet", http.StatusServiceUnavailable)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
