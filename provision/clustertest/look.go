package clustertest

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ReadyNodes returns the names of the cluster's nodes that are ready.
func (c *Cluster) ReadyNodes() []string {
	var list corev1.NodeList
	c.list(&list)
	var names []string
	for i := range list.Items {
		for _, condition := range list.Items[i].Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
				names = append(names, list.Items[i].Name)
			}
		}
	}
	return names
}

// Nodes returns the names of the cluster's Nodes.
func (c *Cluster) Nodes() []string {
	var list corev1.NodeList
	c.list(&list)
	var names []string
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	return names
}

// Tokens returns the names of the Secrets with bootstrap tokens.
func (c *Cluster) Tokens() []string {
	var list corev1.SecretList
	c.list(&list, client.InNamespace(metav1.NamespaceSystem))
	var names []string
	for i := range list.Items {
		if name := list.Items[i].Name; strings.HasPrefix(name, "bootstrap-token-") {
			names = append(names, name)
		}
	}
	return names
}

// Members returns the names of the hosts that are members of etcd, running or not.
func (c *Cluster) Members() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for _, host := range c.hosts {
		if host.member != 0 {
			names = append(names, host.Name())
		}
	}
	return names
}

// AddPod creates a pod on a node. Evictions delete it.
func (c *Cluster) AddPod(node, name string) {
	pod := &corev1.Pod{Spec: corev1.PodSpec{NodeName: node}}
	pod.Namespace, pod.Name = metav1.NamespaceDefault, name
	if err := c.objects().Create(context.Background(), pod); err != nil {
		c.tb.Error(err)
	}
}

// Pods returns the names of all pods.
func (c *Cluster) Pods() []string {
	var list corev1.PodList
	c.list(&list)
	var names []string
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	return names
}

// objects returns a client of the cluster that needs no API server.
func (c *Cluster) objects() client.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.api.client
}

// list lists objects.
func (c *Cluster) list(list client.ObjectList, options ...client.ListOption) {
	if err := c.objects().List(context.Background(), list, options...); err != nil {
		c.tb.Error(err)
	}
}
