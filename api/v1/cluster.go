package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Cluster describes one cluster: its control plane, networks and load balancing.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=clusters,scope=Namespaced
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.spec.anthosBareMetalVersion`
// +kubebuilder:printcolumn:name="VIP",type=string,JSONPath=`.spec.loadBalancer.vips.controlPlaneVIP`
// +kubebuilder:printcolumn:name="Services",type=string,JSONPath=`.spec.clusterNetwork.services.cidrBlocks`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Cluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec ClusterSpec `json:"spec"`
}

// ClusterList is a list of Cluster.
//
// +kubebuilder:object:root=true
type ClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	Items []Cluster `json:"items"`
}

// ClusterSpec is the desired state of a Cluster.
type ClusterSpec struct {
	// Type is standalone or hybrid; admin and user clusters are refused.
	// +kubebuilder:validation:Enum=standalone;hybrid
	Type string `json:"type"`
	// Profile is default or edge.
	// +optional
	// +kubebuilder:validation:Enum=default;edge
	Profile string `json:"profile,omitempty"`
	// AnthosBareMetalVersion names the Kubernetes minor: 1.36.3, 1.36 or 1.36.100-gke.7.
	AnthosBareMetalVersion string `json:"anthosBareMetalVersion" strict:"scalar"`

	ControlPlane   ControlPlane   `json:"controlPlane"`
	ClusterNetwork ClusterNetwork `json:"clusterNetwork"`
	LoadBalancer   LoadBalancer   `json:"loadBalancer"`
	// +optional
	NodeConfig NodeConfig `json:"nodeConfig,omitzero"`
	// +optional
	NodeAccess NodeAccess `json:"nodeAccess,omitzero"`
	// +optional
	ClusterSecurity ClusterSecurity `json:"clusterSecurity,omitzero"`
}

// ControlPlane lists the control plane's nodes and the API server's options.
type ControlPlane struct {
	NodePoolSpec NodePoolSpec `json:"nodePoolSpec"`
	// APIServerCertExtraSANs are further DNS names and addresses of the API server's certificate.
	// +optional
	APIServerCertExtraSANs []string `json:"apiServerCertExtraSANs,omitempty"`
	// +optional
	LoadBalancer *ControlPlaneLoadBalancer `json:"loadBalancer,omitempty"`
}

// ControlPlaneLoadBalancer places the control plane's load balancer apart from that of Services.
type ControlPlaneLoadBalancer struct {
	// Mode bundled keeps the control plane's load balancer on the control plane nodes although
	// spec.loadBalancer has nodes of its own.
	// +optional
	// +kubebuilder:validation:Enum=bundled;manual
	Mode string `json:"mode,omitempty"`
	// KeepalivedVRRPGARPMasterRepeat is how many gratuitous ARP messages a new VIP holder sends; 5
	// when absent.
	// +optional
	// +kubebuilder:validation:Minimum=1
	KeepalivedVRRPGARPMasterRepeat *int32 `json:"keepalivedVRRPGARPMasterRepeat,omitempty"`
}

// ClusterNetwork is the cluster's address ranges and their mode.
type ClusterNetwork struct {
	// Pods holds the IPv4 pod range of island mode; IPv6 pod ranges are in ClusterCIDRConfigs.
	// +optional
	Pods CIDRBlocks `json:"pods,omitzero"`
	// Services holds one IPv4 and one IPv6 range; both together make the cluster dual-stack.
	Services CIDRBlocks `json:"services"`
	// FlatIPv4 makes pods reachable over IPv4 without NAT, as they always are over IPv6.
	// +optional
	FlatIPv4 bool `json:"flatIPv4,omitempty"`
	// ForwardMode is snat; dsr is refused.
	// +optional
	// +kubebuilder:validation:Enum=snat
	ForwardMode string `json:"forwardMode,omitempty"`
	// AdvancedNetworking is refused when true.
	// +optional
	AdvancedNetworking bool `json:"advancedNetworking,omitempty"`
	// MultipleNetworkInterfaces is refused when true.
	// +optional
	MultipleNetworkInterfaces bool `json:"multipleNetworkInterfaces,omitempty"`
	// SRIOVOperator is refused when true.
	// +optional
	SRIOVOperator bool `json:"sriovOperator,omitempty"`
	// BundledIngress installs nothing: an ingress controller is the operator's to choose.
	// +optional
	BundledIngress *bool `json:"bundledIngress,omitempty"`
}

// CIDRBlocks is a list of ranges in CIDR notation.
type CIDRBlocks struct {
	// +optional
	CIDRBlocks []string `json:"cidrBlocks,omitempty"`
}

// LoadBalancer says how the API server and Services of type LoadBalancer are reached.
type LoadBalancer struct {
	// Mode is bundled (keepalived, HAProxy and MetalLB on the nodes) or manual (the operator's own).
	// +kubebuilder:validation:Enum=bundled;manual
	Mode string `json:"mode"`
	// Type is layer2; bgp is refused.
	// +optional
	// +kubebuilder:validation:Enum=layer2
	Type  string            `json:"type,omitempty"`
	Ports LoadBalancerPorts `json:"ports"`
	VIPs  VIPs              `json:"vips"`
	// AddressPools feed Services of type LoadBalancer.
	// +optional
	AddressPools []AddressPool `json:"addressPools,omitempty"`
	// NodePoolSpec lists nodes that carry the load balancers instead of the control plane's.
	// +optional
	NodePoolSpec *NodePoolSpec `json:"nodePoolSpec,omitempty"`
}

// LoadBalancerPorts are the ports of the control plane's VIP.
type LoadBalancerPorts struct {
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	ControlPlaneLBPort int32 `json:"controlPlaneLBPort"`
}

// VIPs are the cluster's virtual addresses, both IPv4.
type VIPs struct {
	// +kubebuilder:validation:Format=ipv4
	ControlPlaneVIP string `json:"controlPlaneVIP"`
	// IngressVIP lies in an address pool and is kept out of automatic assignment.
	// +optional
	// +kubebuilder:validation:Format=ipv4
	IngressVIP string `json:"ingressVIP,omitempty"`
}

// AddressPool is a set of addresses for Services of type LoadBalancer.
type AddressPool struct {
	Name string `json:"name"`
	// Addresses are ranges, each in CIDR notation or as first-last without spaces.
	// +kubebuilder:validation:MinItems=1
	Addresses []string `json:"addresses"`
	// AvoidBuggyIPs keeps addresses ending in .0 and .255 out of use.
	// +optional
	AvoidBuggyIPs bool `json:"avoidBuggyIPs,omitempty"`
	// ManualAssign hands addresses only to Services that ask for one.
	// +optional
	ManualAssign bool `json:"manualAssign,omitempty"`
}

// NodeConfig applies to all nodes.
type NodeConfig struct {
	// +optional
	PodDensity PodDensity `json:"podDensity,omitzero"`
	// ContainerRuntime is containerd when present.
	// +optional
	// +kubebuilder:validation:Enum=containerd
	ContainerRuntime string `json:"containerRuntime,omitempty"`
}

// PodDensity bounds how many pods a node runs.
type PodDensity struct {
	// MaxPodsPerNode is 32 to 250 (64 to 250 without high availability); 110 when absent.
	// +optional
	// +kubebuilder:validation:Minimum=32
	// +kubebuilder:validation:Maximum=250
	MaxPodsPerNode *int32 `json:"maxPodsPerNode,omitempty"`
}

// NodeAccess is how hosts are logged in to.
type NodeAccess struct {
	// LoginUser is a user with passwordless sudo; root when absent.
	// +optional
	LoginUser string `json:"loginUser,omitempty"`
}

// ClusterSecurity holds security options of the kubelet.
type ClusterSecurity struct {
	// EnableSeccomp makes RuntimeDefault the seccomp profile of every pod that names none.
	// +optional
	EnableSeccomp bool `json:"enableSeccomp,omitempty"`
	// EnableRootlessContainers is refused when true.
	// +optional
	EnableRootlessContainers bool `json:"enableRootlessContainers,omitempty"`
}
