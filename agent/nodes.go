package agent

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// nodes watches the Nodes of an API server. While the server is unreachable, it keeps the Nodes that it knows.
type nodes struct{ informer cache.SharedIndexInformer }

// watchNodes prepares a watch of Nodes. It calls changed when properties that the agent uses change. It calls report
// with an error when the watch fails, and with nil when Nodes arrive again.
func watchNodes(client kubernetes.Interface, changed func(), report func(error)) (*nodes, error) {
	// 0 disables the informer's resync: the agent has its own.
	informer := informers.NewSharedInformerFactory(client, 0).Core().V1().Nodes().Informer()
	if err := informer.SetTransform(slim); err != nil {
		return nil, fmt.Errorf("cannot watch nodes: %w", err)
	}
	if err := informer.SetWatchErrorHandler(func(_ *cache.Reflector, err error) {
		report(fmt.Errorf("cannot watch nodes: %w", err))
	}); err != nil {
		return nil, fmt.Errorf("cannot watch nodes: %w", err)
	}
	seen := func() {
		report(nil)
		changed()
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { seen() },
		DeleteFunc: func(any) { seen() },
		UpdateFunc: func(before, after any) {
			report(nil)
			// Kubelets update the status of their Nodes regularly, which does not matter here.
			if known(before) != known(after) {
				changed()
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("cannot watch nodes: %w", err)
	}
	return &nodes{informer}, nil
}

// run watches the Nodes until the context ends. It calls synced once all of them are known.
func (n *nodes) run(ctx context.Context, synced func()) {
	go func() {
		if cache.WaitForCacheSync(ctx.Done(), n.informer.HasSynced) {
			synced()
		}
	}()
	n.informer.RunWithContext(ctx)
}

// list returns all known Nodes and reports whether the list is complete. Before the first answer of the API server it
// is not, and must not be acted on.
func (n *nodes) list() ([]Node, bool) {
	objects := n.informer.GetStore().List()
	list := make([]Node, len(objects))
	for i, object := range objects {
		list[i] = known(object)
	}
	return list, n.informer.HasSynced()
}

// known returns the properties of an object in the informer's cache, or the zero value if it is not a Node.
func known(object any) Node {
	if node, ok := object.(*corev1.Node); ok {
		return NodeOf(node)
	}
	return Node{}
}

// slim removes the fields that the agent does not use. With thousands of Nodes these are most of the memory.
func slim(object any) (any, error) {
	node, ok := object.(*corev1.Node)
	if !ok {
		return object, nil
	}
	// The informer needs the name as a key, and the resource version to resume its watch.
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: node.Name, UID: node.UID, ResourceVersion: node.ResourceVersion},
		Spec:       corev1.NodeSpec{PodCIDRs: node.Spec.PodCIDRs},
		Status:     corev1.NodeStatus{Addresses: node.Status.Addresses},
	}, nil
}
