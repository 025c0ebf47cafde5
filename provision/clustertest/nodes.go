package clustertest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// reset drops all objects: a new cluster has none.
func (a *apiServer) reset() { a.client = a.cluster.newClient() }

// storeCertificates stores the Secret of kubeadm's upload-certs.
func (a *apiServer) storeCertificates(key string) error {
	if key == "" {
		return errors.New("there is no key for the certificates")
	}
	secret := &corev1.Secret{Data: map[string][]byte{"key": []byte(key)}}
	secret.Namespace, secret.Name = metav1.NamespaceSystem, certificates
	err := client.IgnoreNotFound(a.client.Delete(context.Background(), secret.DeepCopy()))
	if err == nil {
		err = a.client.Create(context.Background(), secret)
	}
	return err
}

// checkCertificates returns an error if the stored certificates are not encrypted with key.
func (a *apiServer) checkCertificates(key string) error {
	var secret corev1.Secret
	err := a.client.Get(context.Background(), client.ObjectKey{Namespace: metav1.NamespaceSystem, Name: certificates}, &secret)
	if err == nil && string(secret.Data["key"]) != key {
		err = errors.New("cannot decrypt the certificates: wrong key")
	}
	return err
}

// checkToken returns an error if there is no such bootstrap token.
func (a *apiServer) checkToken(token string) error {
	id, _, _ := strings.Cut(token, ".")
	var secret corev1.Secret
	err := a.client.Get(context.Background(), client.ObjectKey{Namespace: metav1.NamespaceSystem, Name: "bootstrap-token-" + id}, &secret)
	if err != nil {
		return fmt.Errorf("the token %s is not valid: %w", id, err)
	}
	return nil
}

// checkName returns an error if a node of that name is ready, as kubeadm join does.
func (a *apiServer) checkName(name string) error {
	var node corev1.Node
	err := a.client.Get(context.Background(), client.ObjectKey{Name: name}, &node)
	if apierrors.IsNotFound(err) {
		return nil
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
			return fmt.Errorf("a Node with name %q and status \"Ready\" already exists in the cluster", name)
		}
	}
	return err
}

// register does what the kubelet of a host does with its Node, and marks the nodes of the control plane as kubeadm does.
func (a *apiServer) register(h *Host, name string) error {
	ctx := context.Background()
	node := &corev1.Node{}
	err := a.client.Get(ctx, client.ObjectKey{Name: name}, node)
	if apierrors.IsNotFound(err) {
		node.Name = name
		err = a.client.Create(ctx, node)
	}
	if err != nil {
		return err
	}
	if h.controlPlane {
		if node.Labels == nil {
			node.Labels = map[string]string{}
		}
		node.Labels["node-role.kubernetes.io/control-plane"] = ""
		if err := a.client.Update(ctx, node); err != nil {
			return err
		}
	}
	node.Status = corev1.NodeStatus{
		NodeInfo:   corev1.NodeSystemInfo{KubeletVersion: a.cluster.config.Kubernetes.Kubernetes},
		Addresses:  []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: h.node.K8sIP.String()}},
		Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
	}
	return a.client.Status().Update(ctx, node)
}
