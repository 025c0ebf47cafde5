//nolint:lll // controller-gen reads a marker from one line only
package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ClusterCIDRConfig gives the nodes it selects one block of pod addresses in each family.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=clustercidrconfigs,scope=Namespaced,shortName=ccc
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="IPv4",type=string,JSONPath=`.spec.ipv4.cidr`
// +kubebuilder:printcolumn:name="IPv6",type=string,JSONPath=`.spec.ipv6.cidr`
// +kubebuilder:printcolumn:name="Selector",type=string,JSONPath=`.spec.nodeSelector.matchLabels`
// +kubebuilder:printcolumn:name="Capacity",type=string,JSONPath=`.status.capacity`
// +kubebuilder:printcolumn:name="Allocated",type=integer,JSONPath=`.status.allocated`
// +kubebuilder:printcolumn:name="Free",type=string,JSONPath=`.status.free`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ClusterCIDRConfig struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec ClusterCIDRConfigSpec `json:"spec"`
	// +optional
	Status ClusterCIDRConfigStatus `json:"status,omitzero"`
}

// ClusterCIDRConfigList is a list of ClusterCIDRConfig.
//
// +kubebuilder:object:root=true
type ClusterCIDRConfigList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	Items []ClusterCIDRConfig `json:"items"`
}

// ClusterCIDRConfigSpec holds the ranges and who may take blocks from them. The ranges are immutable,
// because nodes hold blocks of them; who takes new blocks may change.
//
// +kubebuilder:validation:XValidation:rule="32 - self.ipv4.perNodeMaskSize == 128 - self.ipv6.perNodeMaskSize",message="ipv4.perNodeMaskSize and ipv6.perNodeMaskSize must give each node the same number of addresses"
type ClusterCIDRConfigSpec struct {
	// IPv4 is the range of the nodes' IPv4 blocks.
	// +kubebuilder:validation:XValidation:rule="self.cidr == oldSelf.cidr",message="ipv4.cidr is immutable"
	// +kubebuilder:validation:XValidation:rule="self.perNodeMaskSize == oldSelf.perNodeMaskSize",message="ipv4.perNodeMaskSize is immutable"
	// +kubebuilder:validation:XValidation:rule="isCIDR(self.cidr) && cidr(self.cidr).ip().family() == 4",message="ipv4.cidr is not an IPv4 range in CIDR notation"
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self.cidr) || cidr(self.cidr) == cidr(self.cidr).masked()",message="ipv4.cidr is not the beginning of a range: bits after its prefix are set"
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self.cidr) || cidr(self.cidr).prefixLength() <= self.perNodeMaskSize && self.perNodeMaskSize <= 32",message="ipv4.perNodeMaskSize must lie between the prefix length of ipv4.cidr and 32"
	IPv4 CIDRRange `json:"ipv4"`
	// IPv6 is the range of the nodes' IPv6 blocks.
	// +kubebuilder:validation:XValidation:rule="self.cidr == oldSelf.cidr",message="ipv6.cidr is immutable"
	// +kubebuilder:validation:XValidation:rule="self.perNodeMaskSize == oldSelf.perNodeMaskSize",message="ipv6.perNodeMaskSize is immutable"
	// +kubebuilder:validation:XValidation:rule="isCIDR(self.cidr) && cidr(self.cidr).ip().family() == 6",message="ipv6.cidr is not an IPv6 range in CIDR notation"
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self.cidr) || cidr(self.cidr) == cidr(self.cidr).masked()",message="ipv6.cidr is not the beginning of a range: bits after its prefix are set"
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self.cidr) || cidr(self.cidr).prefixLength() <= self.perNodeMaskSize && self.perNodeMaskSize <= 128",message="ipv6.perNodeMaskSize must lie between the prefix length of ipv6.cidr and 128"
	IPv6 CIDRRange `json:"ipv6"`
	// NodeSelector names the nodes the ranges are for; without it they are for all that no other
	// ClusterCIDRConfig serves.
	// +optional
	NodeSelector *NodeSelector `json:"nodeSelector,omitempty"`
}

// CIDRRange is a range and the size of the block each node gets from it.
type CIDRRange struct {
	// CIDR is the range in CIDR notation.
	// +kubebuilder:validation:MaxLength=43
	CIDR string `json:"cidr"`
	// PerNodeMaskSize is the prefix length of a node's block.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=128
	PerNodeMaskSize int32 `json:"perNodeMaskSize"`
}

// NodeSelector selects nodes that carry all of matchLabels.
type NodeSelector struct {
	// MatchLabels are labels of a Node; all of them must be there, with these values.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule="self.all(key, !format.qualifiedName().validate(key).hasValue())",message="a key of matchLabels is not the name of a label"
	MatchLabels map[string]string `json:"matchLabels,omitempty"`
}

// ClusterCIDRConfigStatus is the state that the controller observed.
type ClusterCIDRConfigStatus struct {
	// Capacity is how many nodes the ranges can serve; a decimal number, because an IPv6 range can
	// hold more blocks than an integer of the API.
	// +optional
	Capacity string `json:"capacity,omitempty"`
	// Allocated is how many nodes hold blocks of the ranges.
	// +optional
	Allocated int64 `json:"allocated,omitempty"`
	// Free is how many more nodes the ranges can serve.
	// +optional
	Free string `json:"free,omitempty"`
	// IPv4 counts the blocks of the IPv4 range.
	// +optional
	IPv4 *RangeUsage `json:"ipv4,omitempty"`
	// IPv6 counts the blocks of the IPv6 range.
	// +optional
	IPv6 *RangeUsage `json:"ipv6,omitempty"`
	// Conditions are active and, while the object is being deleted, terminating.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// RangeUsage counts the blocks of one range, in decimal numbers. Blocks that are neither allocated nor
// free are held by nodes of other ClusterCIDRConfigs, or reserved.
type RangeUsage struct {
	// Blocks is how many there are.
	Blocks string `json:"blocks"`
	// Allocated is how many of them nodes of this ClusterCIDRConfig hold.
	Allocated string `json:"allocated"`
	// Free is how many of them have no holder.
	Free string `json:"free"`
}
