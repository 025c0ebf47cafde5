package api

import (
	"maps"
	"net/netip"
	"strings"

	"go4.org/netipx"

	v1 "github.com/dualstrap/dualstrap/api/v1"
)

// Labels that every node has before pod ranges are allocated to it, so that ClusterCIDRConfigs can select by them.
const (
	LabelNodePool  = "baremetal.cluster.gke.io/node-pool"
	LabelK8sIP     = "baremetal.cluster.gke.io/k8s-ip"
	LabelNamespace = "baremetal.cluster.gke.io/namespace"
)

// Role is the purpose of a node.
type Role string

// The roles of a node.
const (
	RoleControlPlane Role = "control-plane"
	RoleLoadBalancer Role = "load-balancer"
	RoleWorker       Role = "worker"
)

// Config describes one cluster: its manifests parsed, defaulted and validated. It is read-only.
type Config struct {
	Name      string
	Namespace string
	// Kubernetes is the release that the manifests request.
	Kubernetes Release

	// Pools lists the control plane, the load balancer's pool if there is one, and the NodePools in file order.
	Pools []Pool
	// CIDRConfigs lists the ClusterCIDRConfigs in file order.
	CIDRConfigs []CIDRConfig

	Network      Network
	LoadBalancer LoadBalancer

	// APIServerCertExtraSANs lists further DNS names and addresses for the API server's certificate.
	APIServerCertExtraSANs []string
	// MaxPodsPerNode is the kubelet's limit on pods, the same for every node.
	MaxPodsPerNode int
	// SeccompDefault applies the profile RuntimeDefault to pods that name no seccomp profile.
	SeccompDefault bool
	// AllowCgroupV1 lets kubelets start on hosts that have only cgroup v1.
	AllowCgroupV1 bool
	Security      Security
	// PodsReachAllOfNodes opens every port of the nodes to pods in firewalld, instead of only the ports that pods
	// need.
	PodsReachAllOfNodes bool

	SSH             SSH
	RegistryMirrors []RegistryMirror
	// Bundle is the directory of the bundle; empty when the manifests name none.
	Bundle string
	// BundleSHA256 is the hexadecimal digest of the only manifest.json that is accepted; empty to accept any.
	// BundleAllowedSigners is the file that lists who may have signed it; empty to require no signature.
	BundleSHA256         string
	BundleAllowedSigners string
	// VerifyClient is a host on the nodes' L2 network that is not a node. The proof reaches pods and Services from
	// it. It is invalid when the manifests name none.
	VerifyClient netip.Addr

	// Manifests holds the input of the Config.
	Manifests *Manifests
}

// Security holds options that harden the control plane beyond the defaults of Kubernetes. Empty fields leave those
// defaults.
type Security struct {
	// AuditLog is [AuditLogMetadata], [AuditLogNone], or empty when the manifests do not set it. A new cluster then
	// audits metadata, and an existing one keeps its setting.
	AuditLog string
	// PodSecurity is the level for namespaces that set none: baseline or restricted; empty for privileged, the
	// default of Kubernetes.
	PodSecurity string
	// TLSMinVersion is VersionTLS13, or empty for the default of Kubernetes, VersionTLS12.
	TLSMinVersion string
	// EncryptSecrets makes API servers encrypt Secrets before they store them in etcd.
	EncryptSecrets bool
}

// The values of Security.AuditLog.
const (
	AuditLogMetadata = "metadata"
	AuditLogNone     = "none"
)

// AuditsRequests reports whether API servers keep an audit log. They do unless the manifests disable it.
func (s Security) AuditsRequests() bool { return s.AuditLog != AuditLogNone }

// Network holds the cluster's address ranges and their mode.
type Network struct {
	// Pods is the IPv4 pod range of island mode. It is invalid when IPv4 is flat.
	Pods netip.Prefix
	// Services holds one range of each family, in file order. The first one is the default of single-stack
	// Services.
	Services []netip.Prefix
	// FlatIPv4 makes pods reachable over IPv4 without NAT, as they always are over IPv6.
	FlatIPv4 bool
	// Builtin is false when the user installs a pod network of their own.
	Builtin bool
}

// ControlPlaneBalancer is a way to balance the API servers.
type ControlPlaneBalancer string

// The ways to balance the API servers.
const (
	// ControlPlaneExternal is a load balancer that the user runs outside the cluster. It is the zero value.
	ControlPlaneExternal ControlPlaneBalancer = ""
	// ControlPlaneKeepalived is HAProxy on nodes, one of which holds the VIP by keepalived.
	ControlPlaneKeepalived ControlPlaneBalancer = "keepalived"
)

// ServiceBalancer is a way to announce the addresses of Services of type LoadBalancer.
type ServiceBalancer string

// The ways to announce the addresses of Services.
const (
	// ServicesExternal leaves the addresses to load balancers that the user runs. It is the zero value.
	ServicesExternal ServiceBalancer = ""
	// ServicesLayer2 is MetalLB on nodes, which answer ARP and NDP for the addresses.
	ServicesLayer2 ServiceBalancer = "layer2"
)

// LoadBalancer describes how the API server and Services of type LoadBalancer are reached.
type LoadBalancer struct {
	// ControlPlane says what balances the API servers, and Services what announces the addresses of Services of type
	// LoadBalancer.
	ControlPlane ControlPlaneBalancer
	Services     ServiceBalancer
	// ControlPlaneVIP is the IPv4 address under which clients and nodes reach the API server.
	ControlPlaneVIP netip.Addr
	// Port is the API server's port on ControlPlaneVIP.
	Port int
	// IngressVIP is the address in a pool that is kept for the Service of an ingress controller; invalid when the
	// manifests name no such address.
	IngressVIP netip.Addr
	Pools      []AddressPool
	// ControlPlaneOnControlPlane keeps keepalived and HAProxy on the control plane nodes although the load balancer
	// has a pool of its own, which then serves only Services.
	ControlPlaneOnControlPlane bool
	// GARPRepeat is the number of gratuitous ARP messages that a new holder of the VIP sends. Neighbours that miss
	// all of them keep sending to the previous holder.
	GARPRepeat int
}

// AddressPool is a set of addresses for Services of type LoadBalancer.
type AddressPool struct {
	Name      string
	Addresses []netipx.IPRange
	// AvoidBuggyIPs excludes addresses that end in .0 and .255.
	AvoidBuggyIPs bool
	// ManualAssign limits the pool to Services that request it by name.
	ManualAssign bool
	Ref          Ref
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
	// Address is the IPv4 address for SSH connections to the host.
	Address netip.Addr
	// K8sIP is the host's IPv4 address in Kubernetes. It equals Address unless the manifests set both.
	K8sIP netip.Addr
	// IPv6 is the host's IPv6 address; invalid when it has to be discovered on the host.
	IPv6 netip.Addr
	// Interface is the network interface with the node's addresses; empty when it has to be discovered on the host.
	Interface string
	Ref       Ref
}

// CIDRConfig is one ClusterCIDRConfig.
type CIDRConfig struct {
	Name string
	// MatchLabels are the labels that a node must carry. They are empty for a fallback that every node matches.
	MatchLabels map[string]string
	IPv4, IPv6  CIDRRange
	Ref         Ref
}

// CIDRRange is one family of a ClusterCIDRConfig.
type CIDRRange struct {
	CIDR netip.Prefix
	// PerNodeMaskSize is the prefix length of the block that one node gets.
	PerNodeMaskSize int
}

// SSH holds the options for connections to hosts. Empty fields and a zero Port are left to the user's own SSH
// configuration.
type SSH struct {
	User           string
	Port           int
	PrivateKeyPath string
	KnownHostsPath string
	// AcceptNew adds the key of an unknown host to the known hosts instead of refusing the connection.
	AcceptNew bool
	// ProxyJump is [user@]host[:port] of a jump host.
	ProxyJump string
}

// providerIDScheme is the prefix of the providerIDs of bare metal nodes, the same as in Google Distributed Cloud.
const providerIDScheme = "baremetal://"

// ProviderID returns the spec.providerID of the Node with an IPv4 address in Kubernetes.
func ProviderID(k8sIP netip.Addr) string { return providerIDScheme + k8sIP.String() }

// ParseProviderID returns the address in a [ProviderID], or the zero Addr for any other text.
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

// NodeLabels returns the labels that a node has before pod ranges are allocated to it: those of its pool, and
// dualstrap's own, which take precedence.
func (c *Config) NodeLabels(p *Pool, n *Node) map[string]string {
	labels := make(map[string]string, len(p.Labels)+3)
	maps.Copy(labels, p.Labels)
	labels[LabelNodePool] = p.Name
	labels[LabelK8sIP] = n.K8sIP.String()
	labels[LabelNamespace] = c.Namespace
	return labels
}

// APIServerPort returns the port on which the API server itself listens. It is 6444 when the bundled load balancer,
// which may run on the same host, already listens on 6443.
func (c *Config) APIServerPort() int {
	if c.LoadBalancer.ControlPlane == ControlPlaneKeepalived && c.LoadBalancer.Port == 6443 {
		return 6444
	}
	return 6443
}
