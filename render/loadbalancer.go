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
	// StaticPods is the directory of the manifests of static pods, which the kubelet runs without an API server.
	StaticPods = "/etc/kubernetes/manifests"
	// healthPort is the port, on the loopback address, on which HAProxy answers the health checks of its own node.
	healthPort = 11000
	// The first node of the load balancer has topPriority, and every further node one less, down to bottomPriority. A
	// node whose HAProxy reaches no API server subtracts standback from its priority, which is then lower than that of
	// any node that does reach one. VRRP priorities are one byte.
	topPriority    = 250
	standback      = 100
	bottomPriority = topPriority - standback + 1
)

// keepalivedData fills keepalived.conf. The template does not quote most values: their types cannot hold characters
// that need quotes, except for Interface, which validateInterface has checked.
type keepalivedData struct {
	VIP netip.Addr
	// GARPRepeat is how many gratuitous ARPs a new holder of the VIP sends.
	GARPRepeat  int
	CheckScript string
	// Standback is subtracted from Priority while the node reaches no API server.
	Standback       int
	Interface       string
	VirtualRouterID int
	Priority        int
	Address         netip.Addr
	// Peers are the other nodes of the load balancer. keepalived multicasts if the list is empty.
	Peers []netip.Addr
}

// haproxyData fills haproxy.cfg.
type haproxyData struct {
	// Bind is the VIP and its port, Health the address that answers health checks.
	Bind    netip.AddrPort
	Health  netip.AddrPort
	Servers []haproxyServer
}

// haproxyServer is one API server behind HAProxy.
type haproxyServer struct {
	Name    netip.Addr
	Address netip.AddrPort
}

// checkData fills the script with which keepalived checks HAProxy. Host and Port are the Health address of haproxyData.
type checkData struct {
	Host netip.Addr
	Port int
}

// staticPodData fills the manifests of the static pods of keepalived and HAProxy.
type staticPodData struct {
	Image           string
	ConfigDirectory string
	// ConfigHash changes the manifest, and so restarts the pod, when one of the pod's files changes.
	ConfigHash string
	HealthHost string
	HealthPort int
}

// loadBalancerFiles returns the files of keepalived and HAProxy, on the nodes that may hold the control plane's VIP.
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

// StandaloneKubelet is the path of the configuration of a kubelet that runs static pods only. It runs on worker nodes
// that carry the control plane's load balancer, before there is a control plane to join.
const StandaloneKubelet = kubeadmDir + "/standalone.yaml"

// standaloneData fills the configuration at StandaloneKubelet.
type standaloneData struct {
	CRISocket, StaticPods string
	CgroupV1, Container   bool
}

// keepalived returns the configuration of one node. Its priority follows from its position among the balancers.
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

// virtualRouterID returns the last byte of the VIP, or 255 if that is 0, which VRRP does not allow. Two clusters on one
// L2 have different VIPs and so, most likely, different ids, and an administrator recognizes the id in a packet
// capture.
func virtualRouterID(vip netip.Addr) int {
	bytes := vip.AsSlice()
	if len(bytes) == 0 || bytes[len(bytes)-1] == 0 {
		return 255
	}
	return int(bytes[len(bytes)-1])
}

// haproxy returns HAProxy's configuration, which is the same on all nodes: every node balances over all API servers.
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

// staticPod returns the manifest of a pod that the kubelet runs without an API server. reads are the files that the pod
// reads; the manifest changes when they do, because the kubelet restarts a static pod only if its manifest changes.
func (r *hostRenderer) staticPod(name, version string, reads ...File) (File, error) {
	return r.file(name+".yaml", StaticPods+"/"+name+".yaml", modeSecret, staticPodData{
		Image:           api.Image(name, version),
		ConfigDirectory: loadBalancerDir,
		ConfigHash:      hashOf(reads),
		HealthHost:      loopback().String(),
		HealthPort:      healthPort,
	})
}

// hashOf returns the SHA-256 of the files in hexadecimal, or a placeholder while a file contains one.
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

// loopback returns 127.0.0.1, where HAProxy's health check listens: no other host needs it.
func loopback() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }
