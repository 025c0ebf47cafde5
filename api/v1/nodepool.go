package v1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NodePool is a set of worker nodes that share labels, taints and kubelet options.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=nodepools,scope=Namespaced
// +kubebuilder:printcolumn:name="Cluster",type=string,JSONPath=`.spec.clusterName`
// +kubebuilder:printcolumn:name="Labels",type=string,JSONPath=`.spec.labels`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type NodePool struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec NodePoolSpec `json:"spec"`
}

// NodePoolList is a list of NodePool.
//
// +kubebuilder:object:root=true
type NodePoolList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	Items []NodePool `json:"items"`
}

// NodePoolSpec is the desired state of a pool of nodes.
type NodePoolSpec struct {
	// ClusterName is the name of the pool's Cluster, in the same namespace.
	// +optional
	ClusterName string `json:"clusterName,omitempty"`
	// +optional
	Nodes []Node `json:"nodes,omitempty"`
	// Labels are kept on the pool's Node objects.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
	// Taints are kept on the pool's Node objects.
	// +optional
	Taints []Taint `json:"taints,omitempty"`
	// +optional
	KubeletConfig *KubeletConfig `json:"kubeletConfig,omitempty"`
}

// Node is one host.
type Node struct {
	// Address is the host's IPv4 address for SSH, and for Kubernetes when k8sIP is absent.
	// +kubebuilder:validation:Format=ipv4
	Address string `json:"address"`
	// K8sIP is the host's IPv4 address for Kubernetes.
	// +optional
	// +kubebuilder:validation:Format=ipv4
	K8sIP string `json:"k8sIP,omitempty"`
}

// Taint keeps pods that do not tolerate it away from a node.
type Taint struct {
	Key string `json:"key"`
	// +optional
	Value string `json:"value,omitempty"`
	// +kubebuilder:validation:Enum=NoSchedule;PreferNoSchedule;NoExecute
	Effect corev1.TaintEffect `json:"effect"`
}

// KubeletConfig tunes how the kubelet pulls images.
type KubeletConfig struct {
	// RegistryBurst is how many pulls may start at once above registryPullQPS; 10 when absent.
	// +optional
	// +kubebuilder:validation:Minimum=0
	RegistryBurst *int32 `json:"registryBurst,omitempty"`
	// RegistryPullQPS is pulls per second; 5 when absent, 0 for no limit.
	// +optional
	// +kubebuilder:validation:Minimum=0
	RegistryPullQPS *int32 `json:"registryPullQPS,omitempty"`
	// SerializeImagePulls pulls one image at a time; true when absent.
	// +optional
	SerializeImagePulls *bool `json:"serializeImagePulls,omitempty"`
}
