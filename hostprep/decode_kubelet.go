package hostprep

import (
	"cmp"
	"net/netip"
	"strings"

	"sigs.k8s.io/yaml"
)

// kubeletFile has the fields of KubeletConfiguration that manifests set (k8s.io/kubelet/config/v1beta1).
type kubeletFile struct {
	Kind                string `json:"kind"`
	MaxPods             int    `json:"maxPods"`
	SeccompDefault      bool   `json:"seccompDefault"`
	RegistryPullQPS     *int   `json:"registryPullQPS"`
	RegistryBurst       int    `json:"registryBurst"`
	SerializeImagePulls *bool  `json:"serializeImagePulls"`
	ServerTLSBootstrap  bool   `json:"serverTLSBootstrap"`
}

// DefaultKubelet is what a kubelet does that is told nothing.
func DefaultKubelet() Kubelet {
	return Kubelet{MaxPods: 110, RegistryPullQPS: 5, RegistryBurst: 10, SerializeImagePulls: true}
}

// decodeKubelet reads what kubeadm left for the kubelet.
func decodeKubelet(said probeOutput) *Kubelet {
	kubelet := ParseKubelet(strings.Join(said.files["/var/lib/kubelet/config.yaml"], "\n"))
	if kubelet != nil {
		kubelet.NodeIPs = nodeIPs(said.setting("/var/lib/kubelet/kubeadm-flags.env", "KUBELET_KUBEADM_ARGS"))
	}
	return kubelet
}

// ParseKubelet reads a KubeletConfiguration, all but the addresses, which are flags. It returns nil for anything else: a
// host that was another cluster's may have what it likes.
func ParseKubelet(content string) *Kubelet {
	var file kubeletFile
	if err := yaml.Unmarshal([]byte(content), &file); err != nil || file.Kind != "KubeletConfiguration" {
		return nil
	}
	defaults := DefaultKubelet()
	kubelet := &Kubelet{
		MaxPods: cmp.Or(file.MaxPods, defaults.MaxPods), SeccompDefault: file.SeccompDefault,
		RegistryPullQPS: defaults.RegistryPullQPS, RegistryBurst: cmp.Or(file.RegistryBurst, defaults.RegistryBurst),
		SerializeImagePulls: defaults.SerializeImagePulls, ServerTLSBootstrap: file.ServerTLSBootstrap,
	}
	if file.RegistryPullQPS != nil {
		kubelet.RegistryPullQPS = *file.RegistryPullQPS
	}
	if file.SerializeImagePulls != nil {
		kubelet.SerializeImagePulls = *file.SerializeImagePulls
	}
	return kubelet
}

// nodeIPs are the addresses of --node-ip.
func nodeIPs(flags string) []netip.Addr {
	var addresses []netip.Addr
	for flag := range strings.FieldsSeq(flags) {
		value, found := strings.CutPrefix(flag, "--node-ip=")
		if !found {
			continue
		}
		for text := range strings.SplitSeq(value, ",") {
			if address, err := netip.ParseAddr(text); err == nil {
				addresses = append(addresses, address)
			}
		}
	}
	return addresses
}
