package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/pager"

	"github.com/dualstrap/dualstrap/controller/internal/ledger"
	"github.com/dualstrap/dualstrap/internal/family"
)

// maxAttempts is the number of attempts after which a failing write is reported. Until then, the API server may just be
// restarting.
const maxAttempts = 3

// write writes promises, one at a time, until the queue is shut down.
func (l *leader) write(ctx context.Context) error {
	for {
		name, ended := l.writes.Get()
		if ended {
			return nil
		}
		l.assign(ctx, name)
		l.writes.Done(name)
	}
}

// assign writes a promise to its Node. Whatever the API server answers, the promise stands until the Node is observed
// with podCIDRs, or is gone: see package ledger.
func (l *leader) assign(ctx context.Context, name string) {
	l.mu.Lock()
	promise, ok := l.book.Promised(name)
	l.mu.Unlock()
	if !ok {
		// The promise ended in the meantime: the Node has podCIDRs, or is gone.
		l.writes.Forget(name)
		return
	}
	begin := time.Now()
	node, err := l.patch(ctx, promise)
	l.metrics.writes.Observe(time.Since(begin).Seconds())
	if err == nil {
		l.metrics.assigned.Inc()
		// Creation timestamps have whole seconds, so this is accurate to the second.
		l.metrics.waited.Observe(time.Since(node.CreationTimestamp.Time).Seconds())
		l.log.Info("assigned podCIDRs", "node", name, "podCIDRs", node.Spec.PodCIDRs, "config", promise.Config)
	} else {
		// The write was rejected, or its outcome is unknown. The state of the Node decides which.
		var unread error
		if node, unread = l.core.Nodes().Get(ctx, name, metav1.GetOptions{}); apierrors.IsNotFound(unread) {
			l.forget(name, promise.UID)
			l.writes.Forget(name)
			return
		} else if unread != nil {
			l.requeue(promise, err)
			return
		}
	}
	l.observe(ledgerNode(node))
	// If the Node still has no podCIDRs, the promise is open, and the same block is written again.
	l.mu.Lock()
	_, open := l.book.Promised(name)
	l.mu.Unlock()
	if open {
		l.requeue(promise, err)
		return
	}
	l.writes.Forget(name)
}

// requeue schedules another attempt with a growing delay, and reports the error if there were maxAttempts.
func (l *leader) requeue(promise ledger.Assignment, err error) {
	// The promise is not revoked: the write may still succeed, and the block must not go to another node.
	if l.writes.NumRequeues(promise.Node) >= maxAttempts {
		l.update(func(book *ledger.Ledger) []ledger.Report { return book.Failed(promise.Node, promise.UID, err) })
	}
	l.log.Info("podCIDRs are not written yet", "node", promise.Node, "error", err)
	l.writes.AddRateLimited(promise.Node)
}

// patch writes both fields at once. If podCIDR is not podCIDRs[0], the API server drops the second family without an
// error. The tests in the patch make the API server reject it if the Node has podCIDRs, or is another one of the same
// name.
func (l *leader) patch(ctx context.Context, a ledger.Assignment) (*corev1.Node, error) {
	podCIDRs := []string{a.PodCIDRs[family.IPv4].String(), a.PodCIDRs[family.IPv6].String()}
	body, err := json.Marshal([]operation{
		{"test", "/metadata/uid", a.UID},
		{"test", "/spec/podCIDRs", nil},
		{"add", "/spec/podCIDR", podCIDRs[0]},
		{"add", "/spec/podCIDRs", podCIDRs},
	})
	if err != nil {
		return nil, err
	}
	// A write must end before another instance may lead.
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	node := &corev1.Node{}
	// The API server has to give up as well: see "Two leaders" in the package comment.
	err = l.core.RESTClient().Patch(types.JSONPatchType).Resource("nodes").Name(a.Node).
		Timeout(writeTimeout).Body(body).Do(ctx).Into(node)
	return node, err
}

// operation is one step of a JSON patch (RFC 6902).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// listNodes returns all Nodes in their current state, read page by page.
func (l *leader) listNodes(ctx context.Context) ([]ledger.Node, error) {
	var nodes []ledger.Node
	// Pages keep the responses small: thousands of Nodes take many megabytes.
	list := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return l.core.Nodes().List(ctx, options)
	})
	err := list.EachListItem(ctx, metav1.ListOptions{}, func(object runtime.Object) error {
		if node, ok := object.(*corev1.Node); ok {
			nodes = append(nodes, ledgerNode(node))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list Nodes: %w", err)
	}
	return nodes, nil
}
