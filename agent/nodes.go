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

// nodes follows the Nodes of an API server, and keeps those it knows while the server is away.
type nodes struct{ informer cache.SharedIndexInformer }

// watchNodes prepares to follow Nodes. changed is called when what the agent knows of them changes,
// report with what goes wrong, and with nil when Nodes come again.
func watchNodes(client kubernetes.Interface, changed func(), report func(error)) (*nodes, error) {
	// 0: resync is the agent's own.
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
			// Kubelets update their Nodes all the time.
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

// run follows the Nodes until the context ends. It calls synced once all are known.
func (n *nodes) run(ctx context.Context, synced func()) {
	go func() {
		if cache.WaitForCacheSync(ctx.Done(), n.informer.HasSynced) {
			synced()
		}
	}()
	n.informer.RunWithContext(ctx)
}

// list gives all Nodes, and whether they are: before the first answer of the API server there are
// none to go by.
func (n *nodes) list() ([]Node, bool) {
	objects := n.informer.GetStore().List()
	list := make([]Node, len(objects))
	for i, object := range objects {
		list[i] = known(object)
	}
	return list, n.informer.HasSynced()
}

func known(object any) Node {
	if node, ok := object.(*corev1.Node); ok {
		return NodeOf(node)
	}
	return Node{}
}

// slim drops what the agent does not look at: of thousands of Nodes, that is most of the memory.
func slim(object any) (any, error) {
	node, ok := object.(*corev1.Node)
	if !ok {
		return object, nil
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: node.Name, UID: node.UID, ResourceVersion: node.ResourceVersion},
		Spec:       corev1.NodeSpec{PodCIDRs: node.Spec.PodCIDRs},
		Status:     corev1.NodeStatus{Addresses: node.Status.Addresses},
	}, nil
}
