package api

import (
	"maps"
	"net/netip"
	"strings"

	"go4.org/netipx"

	v1 "github.com/dualstrap/dualstrap/api/v1"
)

// Labels that every node has before pod ranges are allocated to it.
const (
	LabelNodePool  = "baremetal.cluster.gke.io/node-pool"
	LabelK8sIP     = "baremetal.cluster.gke.io/k8s-ip"
	LabelNamespace = "baremetal.cluster.gke.io/namespace"
)

// Role is what a node is for.
type Role string

// The roles of a node.
const (
	RoleControlPlane Role = "control-plane"
	RoleLoadBalancer Role = "load-balancer"
	RoleWorker       Role = "worker"
)

// Config is one cluster as its manifests describe it: parsed, defaulted and valid. It is read-only.
type Config struct {
	Name      string
	Namespace string
	// Kubernetes is the release that the manifests ask for.
	Kubernetes Release

	// Pools are the control plane, the load balancer's pool if there is one, and the NodePools in
	// file order.
	Pools []Pool
	// CIDRConfigs are the ClusterCIDRConfigs in file order.
	CIDRConfigs []CIDRConfig

	Network      Network
	LoadBalancer LoadBalancer

	// APIServerCertExtraSANs are DNS names and addresses.
	APIServerCertExtraSANs []string
	// MaxPodsPerNode bounds the pods of each node.
	MaxPodsPerNode int
	// SeccompDefault gives pods that name no seccomp profile RuntimeDefault.
	SeccompDefault bool
	AllowCgroupV1  bool
	Security       Security
	// PodsReachAllOfNodes lets pods through firewalld to every port of nodes, not only to those that they need.
	PodsReachAllOfNodes bool

	SSH             SSH
	RegistryMirrors []RegistryMirror
	// Bundle is a directory; empty when the manifests name none.
	Bundle string
	// BundleSHA256 is the digest of the one manifest.json that is accepted, in hexadecimal, and BundleAllowedSigners a
	// file with who may have signed it; each empty when any is.
	BundleSHA256         string
	BundleAllowedSigners string
	// VerifyClient is a host on the nodes' L2 that is no node; invalid when none is given.
	VerifyClient netip.Addr

	// Manifests is what the Config was made of.
	Manifests *Manifests
}

// Security is what the control plane does beyond Kubernetes' defaults.
type Security struct {
	// AuditLog is [AuditLogMetadata] or [AuditLogNone]; empty where the manifests leave it to dualstrap.
	AuditLog string
	// PodSecurity is the level of namespaces that name none: baseline or restricted; empty for privileged.
	PodSecurity string
	// TLSMinVersion is VersionTLS13; empty for Kubernetes' own, which is VersionTLS12.
	TLSMinVersion string
	// EncryptSecrets has API servers encrypt Secrets before they are stored in etcd.
	EncryptSecrets bool
}

// The values of Security.AuditLog.
const (
	AuditLogMetadata = "metadata"
	AuditLogNone     = "none"
)

// AuditsRequests reports whether API servers keep an audit log: unless the manifests say otherwise.
func (s Security) AuditsRequests() bool { return s.AuditLog != AuditLogNone }

// Network is the cluster's ranges and modes.
type Network struct {
	// Pods is the IPv4 pod range of island mode; invalid when IPv4 is flat.
	Pods netip.Prefix
	// Services holds one range of each family, in file order; the first is a Service's default.
	Services []netip.Prefix
	FlatIPv4 bool
	// Builtin is false when the user brings their own pod network.
	Builtin bool
}

// LoadBalancer is how the API server and Services of type LoadBalancer are reached.
type LoadBalancer struct {
	// Bundled is false when the operator runs load balancers of their own.
	Bundled         bool
	ControlPlaneVIP netip.Addr
	// Port is the API server's port on ControlPlaneVIP.
	Port int
	// IngressVIP is invalid when there is none.
	IngressVIP netip.Addr
	Pools      []AddressPool
	// ControlPlaneOnControlPlane keeps keepalived and HAProxy on the control plane's nodes although
	// the load balancer has a pool of its own.
	ControlPlaneOnControlPlane bool
	// GARPRepeat is how many gratuitous ARP messages a new holder of the VIP sends.
	GARPRepeat int
}

// AddressPool is a set of addresses for Services of type LoadBalancer.
type AddressPool struct {
	Name          string
	Addresses     []netipx.IPRange
	AvoidBuggyIPs bool
	ManualAssign  bool
	Ref           Ref
}

// Pool is a set of nodes that share a role and options.
type Pool struct {
	// Name is the value of LabelNodePool.
	Name    string
	Role    Role
	Nodes   []Node
	Labels  map[string]string
	Taints  []v1.Taint
	Kubelet v1.KubeletConfig
	Ref     Ref
}

// Node is one host.
type Node struct {
	// Address is the host's IPv4 address for SSH.
	Address netip.Addr
	// K8sIP is the host's IPv4 address for Kubernetes, often the same as Address.
	K8sIP netip.Addr
	// IPv6 is invalid when it is to be discovered on the host.
	IPv6 netip.Addr
	// Interface is empty when it is to be discovered on the host.
	Interface string
	Ref       Ref
}

// CIDRConfig is one ClusterCIDRConfig.
type CIDRConfig struct {
	Name string
	// MatchLabels is empty for a fallback that every node matches.
	MatchLabels map[string]string
	IPv4, IPv6  CIDRRange
	Ref         Ref
}

// CIDRRange is one family of a ClusterCIDRConfig.
type CIDRRange struct {
	CIDR netip.Prefix
	// PerNodeMaskSize is the prefix length of one node's block.
	PerNodeMaskSize int
}

// SSH is how hosts are reached; empty fields are left to the user's own SSH configuration.
type SSH struct {
	User           string
	Port           int
	PrivateKeyPath string
	KnownHostsPath string
	AcceptNew      bool
	ProxyJump      string
}

// providerIDScheme begins the providerIDs of nodes on bare metal.
const providerIDScheme = "baremetal://"

// ProviderID is what a Node with an IPv4 address for Kubernetes has as its spec.providerID.
func ProviderID(k8sIP netip.Addr) string { return providerIDScheme + k8sIP.String() }

// ParseProviderID gives the address in a [ProviderID]; the zero Addr when it is none.
func ParseProviderID(id string) netip.Addr {
	address, isOurs := strings.CutPrefix(id, providerIDScheme)
	if !isOurs {
		return netip.Addr{}
	}
	k8sIP, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Addr{}
	}
	return k8sIP
}

// NodeLabels gives the labels that a node has before pod ranges are allocated to it.
func (c *Config) NodeLabels(p *Pool, n *Node) map[string]string {
	labels := make(map[string]string, len(p.Labels)+3)
	maps.Copy(labels, p.Labels)
	labels[LabelNodePool] = p.Name
	labels[LabelK8sIP] = n.K8sIP.String()
	labels[LabelNamespace] = c.Namespace
	return labels
}

// APIServerPort is the port the API server itself listens on. It makes way for the load balancer
// in front of it, which may share its hosts.
func (c *Config) APIServerPort() int {
	if c.LoadBalancer.Bundled && c.LoadBalancer.Port == 6443 {
		return 6444
	}
	return 6443
}
