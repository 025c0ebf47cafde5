package kube

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Create creates an object that does not exist yet.
func (c *Client) Create(ctx context.Context, object client.Object) error {
	return poll(ctx, applyPatience, "cannot create "+object.GetName(), func(ctx context.Context) (string, error) {
		return "", c.client.Create(ctx, object)
	})
}

// Pod describes a pod as the API server reports it.
type Pod struct {
	Name string
	// Node is the name of the node that runs the pod.
	Node string
	// Addresses are in the order of the Pod's status.
	Addresses []netip.Addr
	// Ready reports whether the pod meets its ready condition.
	Ready bool
	// Why is the reason that the pod is not ready.
	Why string
}

// Pods returns the pods of a namespace that are not being deleted.
func (c *Client) Pods(ctx context.Context, namespace string) ([]Pod, error) {
	var list corev1.PodList
	if err := c.client.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("cannot list the pods of %s: %w", namespace, err)
	}
	var pods []Pod
	for i := range list.Items {
		if list.Items[i].DeletionTimestamp == nil {
			pods = append(pods, podOf(&list.Items[i]))
		}
	}
	return pods, nil
}

// podOf returns what is needed of a Pod. Addresses that do not parse are skipped.
func podOf(object *corev1.Pod) Pod {
	pod := Pod{Name: object.Name, Node: object.Spec.NodeName, Why: unreadyReason(object)}
	for _, address := range object.Status.PodIPs {
		if ip, err := netip.ParseAddr(address.IP); err == nil {
			pod.Addresses = append(pod.Addresses, ip)
		}
	}
	for _, condition := range object.Status.Conditions {
		if condition.Type == corev1.PodReady {
			pod.Ready = condition.Status == corev1.ConditionTrue
		}
	}
	return pod
}

// unreadyReason returns what a pod is waiting for: the reason of its first waiting container, or else the message of a
// condition that is not met.
func unreadyReason(pod *corev1.Pod) string {
	// A waiting container has the most specific reason, as in ErrImageNeverPull.
	for _, status := range pod.Status.ContainerStatuses {
		if waiting := status.State.Waiting; waiting != nil {
			return strings.TrimSpace(pod.Name + ": " + waiting.Reason + " " + waiting.Message)
		}
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Status == corev1.ConditionFalse && condition.Message != "" {
			return pod.Name + ": " + condition.Message
		}
	}
	return pod.Status.Message // a kubelet that rejected the pod gives its reason here
}

// Service describes a Service as the API server reports it.
type Service struct {
	// ClusterIPs are its addresses inside the cluster, Balanced those of its load balancer. Both are in the cluster's
	// order of families.
	ClusterIPs, Balanced []netip.Addr
}

// Service returns the named Service. The error wraps the API server's if it does not exist.
func (c *Client) Service(ctx context.Context, namespace, name string) (Service, error) {
	var object corev1.Service
	if err := c.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &object); err != nil {
		return Service{}, fmt.Errorf("cannot read service %s/%s: %w", namespace, name, err)
	}
	var service Service
	for _, text := range object.Spec.ClusterIPs {
		if ip, err := netip.ParseAddr(text); err == nil {
			service.ClusterIPs = append(service.ClusterIPs, ip)
		}
	}
	for _, ingress := range object.Status.LoadBalancer.Ingress {
		if ip, err := netip.ParseAddr(ingress.IP); err == nil {
			service.Balanced = append(service.Balanced, ip)
		}
	}
	return service, nil
}

// Events returns the messages of the events about objects with the given name, oldest first: the API server lists
// events by name, and the name of an event ends in the time at which it was recorded.
func (c *Client) Events(ctx context.Context, namespace, name string) ([]string, error) {
	var list corev1.EventList
	if err := c.client.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("cannot list the events of %s: %w", namespace, err)
	}
	var messages []string
	for i := range list.Items {
		if list.Items[i].InvolvedObject.Name == name {
			messages = append(messages, list.Items[i].Message)
		}
	}
	return messages, nil
}
