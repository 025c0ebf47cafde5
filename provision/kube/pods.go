package kube

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Create makes an object that is not there yet.
func (c *Client) Create(ctx context.Context, object client.Object) error {
	return poll(ctx, applyPatience, "cannot create "+object.GetName(), func(ctx context.Context) (string, error) {
		return "", c.client.Create(ctx, object)
	})
}

// Pod is what the cluster knows of a pod.
type Pod struct {
	Name string
	// Node is the name of the node that it is on.
	Node string
	// Addresses are in the cluster's order.
	Addresses []netip.Addr
	Ready     bool
	// Why it is not ready.
	Why string
}

// Pods lists the pods of a namespace that are not being deleted.
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

// unreadyReason is what a pod waits for: the first of its containers that does not run, or what Kubernetes
// says about the pod.
func unreadyReason(pod *corev1.Pod) string {
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
	return pod.Status.Message // a kubelet that turned the pod down says it here
}

// Service is what the cluster knows of a Service.
type Service struct {
	Name string
	// ClusterIPs and Balanced are its addresses inside the cluster and outside, in the cluster's order.
	ClusterIPs, Balanced []netip.Addr
}

// Service gives a Service.
func (c *Client) Service(ctx context.Context, namespace, name string) (Service, error) {
	var object corev1.Service
	if err := c.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &object); err != nil {
		return Service{}, fmt.Errorf("cannot read service %s/%s: %w", namespace, name, err)
	}
	service := Service{Name: name}
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

// Events are what Kubernetes says about an object, the newest last.
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
