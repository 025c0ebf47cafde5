package api

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Header is bmctl's first document, which has neither apiVersion nor kind.
type Header struct {
	// SSHPrivateKeyPath is the key to log in to hosts with.
	SSHPrivateKeyPath string `json:"sshPrivateKeyPath,omitempty"`
	// RegistryMirrors are tried by containerd before the registries themselves.
	RegistryMirrors []RegistryMirror `json:"registryMirrors,omitempty"`
}

// RegistryMirror is a registry that holds copies of others' images.
type RegistryMirror struct {
	// Endpoint is https://HOST[:PORT], with an optional path that begins with /v2/.
	Endpoint string `json:"endpoint"`
	// CACertPath is the PEM file of the mirror's certificate authority.
	CACertPath string `json:"caCertPath,omitempty"`
	// PullCredentialConfigPath is a docker config.json with credentials for the mirror.
	PullCredentialConfigPath string `json:"pullCredentialConfigPath,omitempty"`
	// Hosts are the registries the mirror stands for; all of them when empty.
	Hosts []string `json:"hosts,omitempty"`
}

// Namespace is the v1 Namespace that holds the cluster's other objects.
type Namespace struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
}

// ProvisionOptions is dualstrap's own manifest, dualstrap.dev/v1alpha1, for what the format of
// Google Distributed Cloud has no field for. It stays on the workstation.
type ProvisionOptions struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// KubernetesVersion is the exact version, as in v1.36.3; by default the release of the Cluster's
	// minor that dualstrap builds.
	KubernetesVersion string `json:"kubernetesVersion,omitempty" strict:"scalar"`
	// Bundle is the directory that `bundle build` made.
	Bundle string `json:"bundle,omitempty"`
	// BundleSHA256 is the digest of the bundle's manifest.json, as `bundle build` and `bundle inspect` print it.
	// Any other bundle is refused.
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{64}$`
	BundleSHA256 string `json:"bundleSHA256,omitempty" strict:"scalar"`
	// BundleAllowedSigners is a file in the form of ssh-keygen's allowed signers. A bundle that none of them has
	// signed is refused.
	BundleAllowedSigners string     `json:"bundleAllowedSigners,omitempty"`
	SSH                  SSHOptions `json:"ssh,omitempty"`
	// Nodes overrides what is discovered on single hosts.
	Nodes   []NodeOptions  `json:"nodes,omitempty"`
	Network NetworkOptions `json:"network,omitempty"`
	// Firewall says what firewalld lets through, where that runs.
	Firewall FirewallOptions `json:"firewall,omitempty"`
	// ClusterSecurity hardens the control plane beyond the defaults of Kubernetes.
	ClusterSecurity SecurityOptions `json:"clusterSecurity,omitempty"`
	// AllowCgroupV1 lets kubelets start on hosts that have only cgroup v1.
	AllowCgroupV1 bool          `json:"allowCgroupV1,omitempty"`
	Verify        VerifyOptions `json:"verify,omitempty"`
}

// SSHOptions is how hosts are reached.
type SSHOptions struct {
	User string `json:"user,omitempty"`
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port           int    `json:"port,omitempty"`
	PrivateKeyPath string `json:"privateKeyPath,omitempty"`
	KnownHostsPath string `json:"knownHostsPath,omitempty"`
	// HostKeyPolicy is strict (the default) or accept-new.
	// +kubebuilder:validation:Enum=strict;accept-new
	HostKeyPolicy string `json:"hostKeyPolicy,omitempty"`
	// ProxyJump is [user@]host[:port] of a host to go through.
	ProxyJump string `json:"proxyJump,omitempty"`
}

// NodeOptions overrides what is discovered on one host.
type NodeOptions struct {
	// Address is the node's address in the Cluster or NodePool.
	// +kubebuilder:validation:Format=ipv4
	Address string `json:"address"`
	// IPv6 is the node's IPv6 address.
	// +kubebuilder:validation:Format=ipv6
	IPv6 string `json:"ipv6,omitempty"`
	// Interface is the network interface that holds the node's addresses.
	Interface string `json:"interface,omitempty"`
}

// NetworkOptions chooses the pod network.
type NetworkOptions struct {
	// Provider is builtin (the default) or none.
	// +kubebuilder:validation:Enum=builtin;none
	Provider string `json:"provider,omitempty"`
}

// SecurityOptions hardens the control plane beyond the defaults of Kubernetes. The options of an existing cluster are
// immutable.
type SecurityOptions struct {
	// AuditLog is metadata (the default): API servers write down who did what to which object; or none.
	// +kubebuilder:validation:Enum=metadata;none
	AuditLog string `json:"auditLog,omitempty"`
	// PodSecurity is the level of the Pod Security Standards in namespaces whose labels name none: privileged (the
	// default), baseline or restricted.
	// +kubebuilder:validation:Enum=privileged;baseline;restricted
	PodSecurity string `json:"podSecurity,omitempty"`
	// TLSMinVersion is the minimum TLS version of API servers and kubelets: VersionTLS12 (the default) or VersionTLS13.
	// +kubebuilder:validation:Enum=VersionTLS12;VersionTLS13
	TLSMinVersion string `json:"tlsMinVersion,omitempty"`
	// EncryptSecrets has API servers encrypt Secrets before they are stored in etcd.
	EncryptSecrets bool `json:"encryptSecrets,omitempty"`
}

// FirewallOptions says what firewalld lets through.
type FirewallOptions struct {
	// PodsReachNodes is needed (the default): of a node, pods reach the API server, the kubelet, NodePorts,
	// and DNS where hosts are told to ask that node; or all: every port.
	// +kubebuilder:validation:Enum=needed;all
	PodsReachNodes string `json:"podsReachNodes,omitempty"`
}

// VerifyOptions describes what the proof needs in addition to the cluster.
type VerifyOptions struct {
	Client VerifyClient `json:"client,omitempty"`
}

// VerifyClient is a host on the nodes' L2 network that is not a node.
type VerifyClient struct {
	Address string `json:"address,omitempty"`
}
