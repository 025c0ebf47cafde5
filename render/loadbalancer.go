package render

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strings"

	"github.com/dualstrap/dualstrap/api"
)

const (
	loadBalancerDir = configDir + "/loadbalancer"
	// StaticPods is the directory of pods that the kubelet runs by itself.
	StaticPods = "/etc/kubernetes/manifests"
	// healthPort is where HAProxy tells its own node how it is.
	healthPort = 11000
	// The first node of the load balancer has topPriority, every further one less. A node that reaches
	// no API server has standback less than its own, and so less than any that does.
	topPriority    = 250
	standback      = 100
	bottomPriority = topPriority - standback + 1
)

// keepalivedData fills keepalived.conf, which has no quotes for most words: all its values are of
// types that cannot hold anything else, but for Interface, which was checked.
type keepalivedData struct {
	VIP             netip.Addr
	GARPRepeat      int
	CheckScript     string
	Standback       int
	Interface       string
	VirtualRouterID int
	Priority        int
	Address         netip.Addr
	// Peers are the other nodes of the load balancer. keepalived multicasts when there are none.
	Peers []netip.Addr
}

// haproxyData fills haproxy.cfg.
type haproxyData struct {
	Bind    netip.AddrPort
	Health  netip.AddrPort
	Servers []haproxyServer
}

type haproxyServer struct {
	Name    netip.Addr
	Address netip.AddrPort
}

// checkData fills the script that keepalived runs to ask HAProxy how it is.
type checkData struct {
	Host netip.Addr
	Port int
}

// staticPodData fills the static pods of keepalived and HAProxy.
type staticPodData struct {
	Image           string
	ConfigDirectory string
	ConfigHash      string
	HealthHost      string
	HealthPort      int
}

// loadBalancerFiles are keepalived and HAProxy on the nodes that may hold the control plane's VIP.
func (r *hostRenderer) loadBalancerFiles(h *host) ([]File, error) {
	if !r.cfg.BalancesControlPlane(h.pool.Role) {
		return nil, nil
	}
	check, err := sharedFile(r, "check-haproxy.sh", loadBalancerDir+"/check-haproxy", checkData{Host: loopback(), Port: healthPort})
	if err != nil {
		return nil, err
	}
	check.Mode = modeScript
	keepalived, err := r.file("keepalived.conf", loadBalancerDir+"/keepalived.conf", modePublic, r.keepalived(h))
	if err != nil {
		return nil, err
	}
	users, err := sharedFile(r, "passwd", loadBalancerDir+"/passwd", struct{}{})
	if err != nil {
		return nil, err
	}
	haproxy, err := r.file("haproxy.cfg", loadBalancerDir+"/haproxy.cfg", modePublic, r.haproxy())
	if err != nil {
		return nil, err
	}
	keepalivedPod, err := r.staticPod("keepalived", api.KeepalivedVersion, keepalived, check, users)
	if err != nil {
		return nil, err
	}
	haproxyPod, err := r.staticPod("haproxy", api.HAProxyVersion, haproxy)
	if err != nil {
		return nil, err
	}
	files := []File{check, keepalived, users, haproxy, keepalivedPod, haproxyPod}
	if h.isControlPlane() {
		return files, nil
	}
	standalone, err := sharedFile(r, "kubelet-standalone.yaml", StandaloneKubelet, standaloneData{
		CRISocket: CRISocket, CgroupV1: h.facts.CgroupV1, Container: h.facts.Container, StaticPods: StaticPods,
	})
	return append(files, standalone), err
}

// StandaloneKubelet is the configuration of a kubelet that runs static pods alone, on nodes that carry
// the control plane's load balancer before there is a control plane.
const StandaloneKubelet = kubeadmDir + "/standalone.yaml"

// standaloneData fills it.
type standaloneData struct {
	CRISocket, StaticPods string
	CgroupV1, Container   bool
}

func (r *hostRenderer) keepalived(h *host) keepalivedData {
	vip := r.cfg.LoadBalancer.ControlPlaneVIP
	data := keepalivedData{
		VIP:         vip,
		GARPRepeat:  r.cfg.LoadBalancer.GARPRepeat,
		CheckScript: "/etc/keepalived/check-haproxy",
		Standback:   standback,
		Interface:   h.interfaceName(),

		VirtualRouterID: virtualRouterID(vip),
		Address:         h.node.K8sIP,
	}
	for i, balancer := range r.balancers {
		if balancer == h {
			data.Priority = max(topPriority-i, bottomPriority)
			continue
		}
		data.Peers = append(data.Peers, balancer.node.K8sIP)
	}
	return data
}

// virtualRouterID is the last byte of the VIP: two clusters on one L2 have different VIPs, and a
// person finds it again. VRRP has no router 0.
func virtualRouterID(vip netip.Addr) int {
	bytes := vip.AsSlice()
	if len(bytes) == 0 || bytes[len(bytes)-1] == 0 {
		return 255
	}
	return int(bytes[len(bytes)-1])
}

func (r *hostRenderer) haproxy() haproxyData {
	data := haproxyData{
		Bind:   r.controlPlaneEndpoint(),
		Health: endpointOf(loopback(), healthPort),
	}
	for _, controlPlane := range r.controlPlanes {
		address := controlPlane.node.K8sIP
		data.Servers = append(data.Servers, haproxyServer{Name: address, Address: endpointOf(address, r.cfg.APIServerPort())})
	}
	return data
}

// staticPod is the manifest of a pod that the kubelet runs without an API server. It changes when
// the files that the pod reads do.
func (r *hostRenderer) staticPod(name, version string, reads ...File) (File, error) {
	return r.file(name+".yaml", StaticPods+"/"+name+".yaml", modeSecret, staticPodData{
		Image:           api.Image(name, version),
		ConfigDirectory: loadBalancerDir,
		ConfigHash:      hashOf(reads),
		HealthHost:      loopback().String(),
		HealthPort:      healthPort,
	})
}

// hashOf is the SHA-256 of files in hex, or a placeholder while they hold one.
func hashOf(files []File) string {
	sum := sha256.New()
	for _, file := range files {
		if strings.Contains(string(file.Content), KnownAfterProbe) {
			return KnownAfterProbe
		}
		sum.Write(file.Content)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func loopback() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }
