package render

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/dualstrap/dualstrap/api"
	v1 "github.com/dualstrap/dualstrap/api/v1"
)

const (
	kubeadmDir     = configDir + "/kubeadm"
	kubeadmPatches = kubeadmDir + "/patches"
	// KubeadmConfig is the path of the file that kubeadm init or kubeadm join reads on a host.
	KubeadmConfig = kubeadmDir + "/config.yaml"
	// CRISocket is the endpoint on which containerd listens on a host.
	CRISocket = "unix:///run/containerd/containerd.sock"
	// BuiltinDetectLocalMode is kube-proxy's detectLocalMode, by which it recognizes pods of its own node, in clusters
	// whose pod network is dualstrap's own.
	BuiltinDetectLocalMode = "InterfaceNamePrefix"
	// podInterfacePrefix is the prefix of the names that the ptp plugin assigns to the host's end of pods' links.
	podInterfacePrefix = "veth"
)

// kubeadmNode holds the fields that InitConfiguration and JoinConfiguration have in common.
type kubeadmNode struct {
	Name                  string
	CRISocket             string
	IgnorePreflightErrors []string
	// NodeIPs are the IPv4 and the IPv6 address, separated by a comma, as --node-ip takes them.
	NodeIPs, ProviderID string
	// Taints replace kubeadm's default taint; empty keeps the default.
	Taints []v1.Taint
	// PatchesDirectory is empty if the node has no kubelet patch: kubeadm fails on a missing directory.
	PatchesDirectory string
}

// kubeadmEndpoint describes where a node's own API server listens.
type kubeadmEndpoint struct {
	AdvertiseAddress string
	BindPort         int
	// CertificateKey decrypts the certificates that kubeadm uploads for further control plane nodes. It is empty in the
	// configuration of kubeadm init if there is only one control plane node.
	CertificateKey string
}

// kubeadmInit fills the configuration of kubeadm init, for the first control plane node.
type kubeadmInit struct {
	kubeadmEndpoint
	Node                 kubeadmNode
	ClusterName          string
	KubernetesVersion    string
	ControlPlaneEndpoint netip.AddrPort
	ImageRepository      string
	ServiceSubnet        string
	CertSANs             []string
	CoreDNSTag, EtcdTag  string
	AllowCgroupV1        bool
	MaxPods              int
	SeccompDefault       bool
	TLSMinVersion        string
	// APIServerArgs and APIServerVolumes follow those that the template gives every API server.
	APIServerArgs    []kubeadmArg
	APIServerVolumes []kubeadmVolume
	// PodInterfacePrefix is empty when the user brings the pod network.
	PodInterfacePrefix string
	// KeepConntrackLimits tells kube-proxy to leave the kernel's conntrack limits alone. It is set if any host is a
	// container, which may not change them: kubeadm keeps one configuration of kube-proxy for all nodes.
	KeepConntrackLimits bool
}

// kubeadmJoin fills the configuration of kubeadm join, for every other node.
type kubeadmJoin struct {
	Node              kubeadmNode
	APIServerEndpoint netip.AddrPort
	Token, CACertHash string
	// ControlPlane is nil on nodes that do not run an API server.
	ControlPlane *kubeadmEndpoint
}

// kubeadmFiles returns the node's kubeadm configuration, and a patch of the cluster's kubelet configuration if the node
// deviates from it.
func (r *hostRenderer) kubeadmFiles(h *host) ([]File, error) {
	patch, err := r.kubeletPatch(h)
	if err != nil {
		return nil, err
	}
	node := r.kubeadmNode(h)
	if len(patch) > 0 {
		node.PatchesDirectory = kubeadmPatches
	}
	// The configuration holds a token or a key, hence modeSecret.
	var file File
	if r.isInitNode(h) && !r.later.Initialized {
		file, err = r.file("kubeadm-init.yaml", KubeadmConfig, modeSecret, r.kubeadmInit(h, node))
	} else {
		file, err = r.file("kubeadm-join.yaml", KubeadmConfig, modeSecret, r.kubeadmJoin(h, node))
	}
	return append(patch, file), err
}

// isInitNode reports whether the host is the one that initializes the cluster. Its configuration is that of kubeadm
// init only until the cluster is initialized.
func (r *hostRenderer) isInitNode(h *host) bool {
	if r.later.InitNode.IsValid() {
		return h.node.Address == r.later.InitNode
	}
	return len(r.controlPlanes) > 0 && h == r.controlPlanes[0]
}

// kubeadmNode returns the part of the configuration that init and join share.
func (r *hostRenderer) kubeadmNode(h *host) kubeadmNode {
	node := kubeadmNode{
		Name:       h.nodeName(),
		CRISocket:  CRISocket,
		NodeIPs:    h.node.K8sIP.String() + "," + h.ipv6(),
		ProviderID: api.ProviderID(h.node.K8sIP),
		Taints:     nodeTaints(h.pool),
	}
	if h.facts.Container || h.facts.CgroupV1 {
		// SystemVerification fails on cgroup v1 even if the kubelet is configured to accept it. In a container it finds
		// neither the kernel's configuration nor its modules.
		node.IgnorePreflightErrors = append(node.IgnorePreflightErrors, "SystemVerification")
	}
	if h.isControlPlane() {
		// A file system of its own has lost+found. Whether anything else is there is a check of hosts, leftovers.
		node.IgnorePreflightErrors = append(node.IgnorePreflightErrors, "DirAvailable--var-lib-etcd")
	}
	if !h.isControlPlane() && r.cfg.BalancesControlPlane(h.pool.Role) {
		// The manifests of the load balancer are there before kubeadm runs.
		node.IgnorePreflightErrors = append(node.IgnorePreflightErrors, "DirAvailable--etc-kubernetes-manifests")
	}
	return node
}

// nodeTaints returns the taints of a pool's nodes; an empty list keeps kubeadm's default. A non-empty list replaces the
// default, so the taint of the control plane is put before the pool's own taints. The load balancers run on control
// plane nodes nevertheless: taints do not apply to static pods, and MetalLB tolerates this one.
func nodeTaints(pool *api.Pool) []v1.Taint {
	if pool.Role != api.RoleControlPlane || len(pool.Taints) == 0 {
		return pool.Taints
	}
	own := v1.Taint{Key: "node-role.kubernetes.io/control-plane", Effect: corev1.TaintEffectNoSchedule}
	others := slices.DeleteFunc(slices.Clone(pool.Taints), func(t v1.Taint) bool {
		return t.Key == own.Key && t.Effect == own.Effect
	})
	return append([]v1.Taint{own}, others...)
}

// endpoint returns the address and port of the node's API server. The API server advertises an address of the default
// family of Services: the Service "kubernetes" has that family only, and the API server refuses to start with the
// other.
func (r *hostRenderer) endpoint(h *host) kubeadmEndpoint {
	family := api.IPv4
	if len(r.cfg.Network.Services) > 0 {
		family = api.FamilyOf(r.cfg.Network.Services[0].Addr())
	}
	return kubeadmEndpoint{AdvertiseAddress: h.address(family), BindPort: r.cfg.APIServerPort()}
}

// controlPlaneEndpoint returns the address at which nodes and users reach the API servers.
func (r *hostRenderer) controlPlaneEndpoint() netip.AddrPort {
	return endpointOf(r.cfg.LoadBalancer.ControlPlaneVIP, r.cfg.LoadBalancer.Port)
}

// endpointOf joins an address and a port. The port comes from Config, which has checked its range.
func endpointOf(address netip.Addr, port int) netip.AddrPort {
	return netip.AddrPortFrom(address, uint16(port))
}

// kubeadmInit returns the data of kubeadm init's configuration. Values of the whole cluster are kept in
// ClusterConfiguration and reach further nodes from there.
func (r *hostRenderer) kubeadmInit(h *host, node kubeadmNode) kubeadmInit {
	init := kubeadmInit{
		kubeadmEndpoint:      r.endpoint(h),
		Node:                 node,
		ClusterName:          r.cfg.Name,
		KubernetesVersion:    r.cfg.Kubernetes.Kubernetes,
		ControlPlaneEndpoint: r.controlPlaneEndpoint(),
		ImageRepository:      api.ImageRepository,
		ServiceSubnet:        strings.ReplaceAll(joinPrefixes(r.cfg.Network.Services), " ", ""),
		CertSANs:             r.certSANs(),
		CoreDNSTag:           r.cfg.Kubernetes.CoreDNS,
		EtcdTag:              r.cfg.Kubernetes.Etcd,
		AllowCgroupV1:        r.cfg.AllowCgroupV1,
		MaxPods:              r.cfg.MaxPodsPerNode,
		SeccompDefault:       r.cfg.SeccompDefault,
		TLSMinVersion:        r.cfg.Security.TLSMinVersion,
	}
	init.APIServerArgs, init.APIServerVolumes = r.apiServerArgs()
	if len(r.controlPlanes) > 1 {
		init.CertificateKey = orInit(r.later.CertificateKey)
	}
	if r.cfg.Network.Builtin {
		init.PodInterfacePrefix = podInterfacePrefix
	}
	for i := range r.hosts {
		init.KeepConntrackLimits = init.KeepConntrackLimits || r.hosts[i].facts.Container
	}
	return init
}

// certSANs returns the names in the API servers' certificates, in addition to those that kubeadm adds. All control
// plane nodes share one configuration, so it names every one of them, in both families. Placeholders are not
// deduplicated: each stands for a different address.
func (r *hostRenderer) certSANs() []string {
	names := []string{r.cfg.LoadBalancer.ControlPlaneVIP.String()}
	for _, h := range r.controlPlanes {
		names = append(names, h.node.K8sIP.String(), h.ipv6())
	}
	names = append(names, r.cfg.APIServerCertExtraSANs...)
	var unique []string
	for _, name := range names {
		if name == KnownAfterProbe || !slices.Contains(unique, name) {
			unique = append(unique, name)
		}
	}
	return unique
}

// kubeadmJoin returns the data of kubeadm join's configuration. Only control plane nodes get the certificate key.
func (r *hostRenderer) kubeadmJoin(h *host, node kubeadmNode) kubeadmJoin {
	join := kubeadmJoin{
		Node:              node,
		APIServerEndpoint: r.controlPlaneEndpoint(),
		Token:             orInit(r.later.BootstrapToken),
		CACertHash:        orInit(r.later.CACertHash),
	}
	if h.isControlPlane() {
		endpoint := r.endpoint(h)
		endpoint.CertificateKey = orInit(r.later.CertificateKey)
		join.ControlPlane = &endpoint
	}
	return join
}
