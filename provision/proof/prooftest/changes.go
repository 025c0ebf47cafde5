package prooftest

import (
	"context"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dualstrap/dualstrap/internal/certtest"
)

// Change changes an object of the cluster, its status included. The name of object says which.
func Change[T client.Object](n *Network, object T, change func(T)) {
	n.tb.Helper()
	ctx := n.tb.Context()
	if err := n.API.Objects.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
		n.tb.Fatal(err)
	}
	change(object)
	changed, _ := object.DeepCopyObject().(client.Object) // an update answers with the status as it was
	if err := n.API.Objects.Update(ctx, object); err != nil {
		n.tb.Fatal(err)
	}
	changed.SetResourceVersion(object.GetResourceVersion())
	// Some objects have no status.
	if err := n.API.Objects.Status().Update(ctx, changed); client.IgnoreNotFound(err) != nil {
		n.tb.Fatal(err)
	}
}

// Forget deletes the Node of a host from the cluster.
func (n *Network) Forget(node *Node) {
	n.tb.Helper()
	object := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: node.Name}}
	if err := n.API.Objects.Delete(n.tb.Context(), object); err != nil {
		n.tb.Fatal(err)
	}
}

// ChangeNode changes the Node of a host.
func (n *Network) ChangeNode(node *Node, change func(*corev1.Node)) {
	n.tb.Helper()
	Change(n, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: node.Name}}, change)
}

// Record records an event.
func (n *Network) Record(event *corev1.Event) {
	n.tb.Helper()
	if err := n.API.Objects.Create(n.tb.Context(), event); err != nil {
		n.tb.Error(err)
	}
}

// ConfigureKubelets replaces the configuration of kubelets that kubeadm has stored in the cluster.
func (n *Network) ConfigureKubelets(text string) {
	n.tb.Helper()
	settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: "kubelet-config"}}
	Change(n, settings, func(settings *corev1.ConfigMap) { settings.Data = map[string]string{"kubelet": text} })
}

// NewAuthority returns a certificate authority that is not the cluster's.
func NewAuthority(n *Network) certtest.Authority { return certtest.New(n.tb) }

// Left returns what the proofs have left in the cluster and on the client.
func (n *Network) Left(ctx context.Context) []string {
	n.tb.Helper()
	var left []string
	for prefix, list := range map[string]client.ObjectList{
		"namespace": &corev1.NamespaceList{}, "pod": &corev1.PodList{}, "service": &corev1.ServiceList{}, "daemon set": &appsv1.DaemonSetList{},
	} {
		if err := n.API.Objects.List(ctx, list); err != nil {
			n.tb.Fatal(err)
		}
		left = append(left, namesOf(prefix, list)...)
	}
	n.mu.Lock()
	for _, pod := range n.pods {
		left = append(left, "running pod "+pod.name)
	}
	n.mu.Unlock()
	left = append(left, n.Client.left(n)...)
	slices.Sort(left)
	return left
}

// namesOf returns the names of objects outside of the namespace kube-system.
func namesOf(prefix string, list client.ObjectList) []string {
	var objects []client.Object
	switch list := list.(type) {
	case *corev1.NamespaceList:
		objects = pointers[*corev1.Namespace](list.Items)
	case *corev1.PodList:
		objects = pointers[*corev1.Pod](list.Items)
	case *corev1.ServiceList:
		objects = pointers[*corev1.Service](list.Items)
	case *appsv1.DaemonSetList:
		objects = pointers[*appsv1.DaemonSet](list.Items)
	}
	var names []string
	for _, object := range objects {
		if object.GetNamespace() != metav1.NamespaceSystem {
			names = append(names, prefix+" "+object.GetNamespace()+"/"+object.GetName())
		}
	}
	return names
}

// pointers returns pointers to the items.
func pointers[P interface {
	client.Object
	*T
}, T any](items []T) []client.Object {
	objects := make([]client.Object, len(items))
	for i := range items {
		objects[i] = P(&items[i])
	}
	return objects
}
