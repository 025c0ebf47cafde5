package prooftest

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dualstrap/dualstrap/api"
)

// create creates an object, and does what controllers do about it.
func (s *APIServer) create(ctx context.Context, to client.Client, object client.Object, options []client.CreateOption) error {
	if created, isService := object.(*corev1.Service); isService {
		s.assign(created)
	}
	if s.Created != nil {
		s.Created(object)
	}
	if err := to.Create(ctx, object, options...); err != nil {
		return err
	}
	if daemons, is := object.(*appsv1.DaemonSet); is && !s.Idle {
		for _, node := range s.network.Nodes {
			started := daemons.DeepCopy()
			s.network.tasks.Go(func() { s.startPod(started, node) })
		}
	}
	return nil
}

// assign sets a Service's addresses, as the API server and MetalLB do.
func (s *APIServer) assign(object *corev1.Service) {
	n, number, balancer := s.network, s.created.Add(1), int32(0)
	if object.Spec.Type == corev1.ServiceTypeLoadBalancer {
		balancer = s.balancers.Add(1)
	}
	const reserved = 32 // the addresses of the DNS and of the API server are below
	ranges := s.ServiceRanges
	if ranges == nil {
		ranges = n.Config.Network.Services
	}
	known := &service{namespace: object.Namespace, name: object.Name}
	for _, family := range requestedFamilies(object, ranges) {
		for _, block := range ranges {
			if api.FamilyOf(block.Addr()) == api.Family(family) {
				known.addresses = append(known.addresses, after(block.Addr(), reserved+number))
			}
		}
		if object.Spec.Type == corev1.ServiceTypeLoadBalancer {
			known.balanced = append(known.balanced, n.balancedOf(api.Family(family), balancer)...)
		}
	}
	for _, ip := range known.addresses {
		object.Spec.ClusterIPs = append(object.Spec.ClusterIPs, ip.String())
	}
	var ingress []corev1.LoadBalancerIngress
	for _, ip := range known.balanced {
		ingress = append(ingress, corev1.LoadBalancerIngress{IP: ip.String()})
	}
	if len(ingress) > 0 {
		changed := object.DeepCopy()
		n.tasks.Go(func() { s.balance(changed, ingress) })
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.services = append(n.services, known)
}

// requestedFamilies returns the families of a Service: those that it names, or else those of its policy, in the order of the
// cluster's Service ranges.
func requestedFamilies(object *corev1.Service, ranges []netip.Prefix) []corev1.IPFamily {
	families := slices.Clone(object.Spec.IPFamilies)
	if len(families) > 0 {
		return families
	}
	for _, block := range ranges {
		families = append(families, corev1.IPFamily(api.FamilyOf(block.Addr())))
	}
	if *object.Spec.IPFamilyPolicy == corev1.IPFamilyPolicySingleStack {
		return families[:1]
	}
	return families
}

// balance sets the addresses of a Service's load balancer some time later, unless the namespace is deleted before.
func (s *APIServer) balance(object *corev1.Service, ingress []corev1.LoadBalancerIngress) {
	time.Sleep(s.network.Balancer.After)
	ctx := context.Background()
	if s.Objects.Get(ctx, client.ObjectKeyFromObject(object), object) != nil {
		return
	}
	object.Status.LoadBalancer.Ingress = ingress
	if err := s.Objects.Status().Update(ctx, object); err != nil && !apierrors.IsNotFound(err) {
		s.network.tb.Error(err)
	}
}

// balancedOf returns the addresses of a family that a load balancer gets.
func (n *Network) balancedOf(family api.Family, number int32) []netip.Addr {
	var addresses []netip.Addr
	for _, block := range n.Config.LoadBalancer.Pools[0].Addresses {
		if api.FamilyOf(block.From()) == family && !n.Balancer.Unassigned[family] {
			addresses = append(addresses, after(block.From(), number))
		}
	}
	switch {
	case !n.Balancer.Twice:
		return addresses
	case family == api.IPv6:
		return nil
	}
	return append(addresses, addresses[0].Next())
}

// after returns the address that follows the first one at a distance.
func after(first netip.Addr, distance int32) netip.Addr {
	for range distance {
		first = first.Next()
	}
	return first
}

// startPod starts the pod of a DaemonSet on a node that is ready, unless the namespace is deleted before.
func (s *APIServer) startPod(daemons *appsv1.DaemonSet, on *Node) {
	time.Sleep(s.PodsAfter)
	ctx, n := context.Background(), s.network
	n.mu.Lock()
	n.issued[on.Name]++
	number := int32(n.issued[on.Name])
	n.mu.Unlock()
	running := &pod{namespace: daemons.Namespace, name: fmt.Sprintf("%s-%s-%d", daemons.Name, on.Name, number), node: on}
	object := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: daemons.Namespace, Name: running.name}, Spec: corev1.PodSpec{NodeName: on.Name},
	}
	for _, block := range on.PodsFrom {
		address := after(block.Addr(), 1+number)
		running.addresses = append(running.addresses, address)
		object.Status.PodIPs = append(object.Status.PodIPs, corev1.PodIP{IP: address.String()})
	}
	object.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	var live corev1.Node
	ready := func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	}
	err := s.Objects.Get(ctx, client.ObjectKey{Name: on.Name}, &live)
	if err != nil || !slices.ContainsFunc(live.Status.Conditions, ready) || on.Unreachable {
		return
	}
	if s.Objects.Get(ctx, client.ObjectKeyFromObject(daemons), daemons) != nil {
		return
	}
	if err := s.Objects.Create(ctx, object); err != nil {
		n.tb.Error(err)
	}
	n.start(running, daemons.Spec.Template.Spec.Containers)
}

// remove deletes an object. The deletion of a namespace includes what it contains.
func (s *APIServer) remove(ctx context.Context, to client.Client, object client.Object, options []client.DeleteOption) error {
	namespace, is := object.(*corev1.Namespace)
	if !is {
		return fmt.Errorf("a proof deletes namespaces only, and not %T", object)
	}
	if s.Terminating {
		return nil
	}
	if err := to.Delete(ctx, object, options...); err != nil {
		return err
	}
	for _, kind := range []client.Object{&appsv1.DaemonSet{}, &corev1.Service{}, &corev1.Pod{}} {
		if err := to.DeleteAllOf(ctx, kind, client.InNamespace(namespace.Name)); err != nil {
			return err
		}
	}
	s.network.stop(namespace.Name)
	return nil
}

// stop ends the pods and Services of a namespace.
func (n *Network) stop(namespace string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pods = slices.DeleteFunc(n.pods, func(p *pod) bool { return p.namespace == namespace })
	n.services = slices.DeleteFunc(n.services, func(s *service) bool { return s.namespace == namespace })
	maps.DeleteFunc(n.servers, func(at socket, listening *server) bool {
		isOf := strings.HasPrefix(at.owner, namespace+"/")
		if isOf {
			listening.close()
		}
		return isOf
	})
}
