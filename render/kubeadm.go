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
	// KubeadmConfig is the file that kubeadm init or join reads on a host.
	KubeadmConfig = kubeadmDir + "/config.yaml"
	// CRISocket is where containerd listens on a host.
	CRISocket = "unix:///run/containerd/containerd.sock"
	// BuiltinDetectLocalMode is how kube-proxy finds pods of its node where dualstrap brings the pod network.
	BuiltinDetectLocalMode = "InterfaceNamePrefix"
	// podInterfacePrefix begins the names that the ptp plugin gives to the host's end of pods' links.
	podInterfacePrefix = "veth"
)

// kubeadmNode is what InitConfiguration and JoinConfiguration have in common.
type kubeadmNode struct {
	Name                  string
	CRISocket             string
	IgnorePreflightErrors []string
	NodeIPs, ProviderID   string
	Taints                []v1.Taint
	PatchesDirectory      string
}

// kubeadmEndpoint is where a node's own API server listens.
type kubeadmEndpoint struct {
	AdvertiseAddress string
	BindPort         int
	CertificateKey   string
}

// kubeadmInit fills the configuration of the first control plane node.
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
	// APIServerArgs and APIServerVolumes come after those that each API server has.
	APIServerArgs    []kubeadmArg
	APIServerVolumes []kubeadmVolume
	// PodInterfacePrefix is empty when the user brings the pod network.
	PodInterfacePrefix string
	// KeepConntrackLimits is set when some host may not change them.
	KeepConntrackLimits bool
}

// kubeadmJoin fills the configuration of every other node.
type kubeadmJoin struct {
	Node              kubeadmNode
	APIServerEndpoint netip.AddrPort
	Token, CACertHash string
	// ControlPlane is nil on nodes that run no API server.
	ControlPlane *kubeadmEndpoint
}

// kubeadmFiles are the node's kubeadm configuration and its deviation from the cluster's kubelet
// configuration, if there is any.
func (r *hostRenderer) kubeadmFiles(h *host) ([]File, error) {
	patch, err := r.kubeletPatch(h)
	if err != nil {
		return nil, err
	}
	node := r.kubeadmNode(h)
	if len(patch) > 0 {
		node.PatchesDirectory = kubeadmPatches
	}
	// The configuration holds a token or a key.
	var file File
	if r.isInitNode(h) && !r.later.Initialized {
		file, err = r.file("kubeadm-init.yaml", KubeadmConfig, modeSecret, r.kubeadmInit(h, node))
	} else {
		file, err = r.file("kubeadm-join.yaml", KubeadmConfig, modeSecret, r.kubeadmJoin(h, node))
	}
	return append(patch, file), err
}

// isInitNode reports whether the host makes the cluster, or stands for the one that did.
func (r *hostRenderer) isInitNode(h *host) bool {
	if r.later.InitNode.IsValid() {
		return h.node.Address == r.later.InitNode
	}
	return len(r.controlPlanes) > 0 && h == r.controlPlanes[0]
}

func (r *hostRenderer) kubeadmNode(h *host) kubeadmNode {
	node := kubeadmNode{
		Name:       h.nodeName(),
		CRISocket:  CRISocket,
		NodeIPs:    h.node.K8sIP.String() + "," + h.ipv6(),
		ProviderID: api.ProviderID(h.node.K8sIP),
		Taints:     nodeTaints(h.pool),
	}
	if h.facts.Container || h.facts.CgroupV1 {
		// It fails on cgroup v1 whatever the kubelet is told, and in a container it finds neither the
		// kernel's configuration nor its modules.
		node.IgnorePreflightErrors = append(node.IgnorePreflightErrors, "SystemVerification")
	}
	if !h.isControlPlane() && r.cfg.BalancesControlPlane(h.pool.Role) {
		// It holds our own static pods.
		node.IgnorePreflightErrors = append(node.IgnorePreflightErrors, "DirAvailable--etc-kubernetes-manifests")
	}
	return node
}

// nodeTaints are the taints of a pool's nodes; none means that kubeadm's default stays. A pool's own
// taints would replace that of the control plane, so it is put before them. The load balancers run
// on control plane nodes nevertheless: static pods know no taints, and MetalLB tolerates this one.
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

// endpoint is the node's API server. It advertises an address of the family that Services have by
// default, because the Service "kubernetes" has that family only and the API server insists.
func (r *hostRenderer) endpoint(h *host) kubeadmEndpoint {
	family := api.IPv4
	if len(r.cfg.Network.Services) > 0 {
		family = api.FamilyOf(r.cfg.Network.Services[0].Addr())
	}
	return kubeadmEndpoint{AdvertiseAddress: h.address(family), BindPort: r.cfg.APIServerPort()}
}

// controlPlaneEndpoint is where everybody reaches the API servers.
func (r *hostRenderer) controlPlaneEndpoint() netip.AddrPort {
	return endpointOf(r.cfg.LoadBalancer.ControlPlaneVIP, r.cfg.LoadBalancer.Port)
}

// endpointOf joins an address and a port, an IPv6 address in brackets. The port is one of Config's.
func endpointOf(address netip.Addr, port int) netip.AddrPort {
	return netip.AddrPortFrom(address, uint16(port))
}

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

// certSANs are the names of the API server's certificate, beside those that kubeadm adds: it is the
// same configuration for all control plane nodes, so each is named, in both families.
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
