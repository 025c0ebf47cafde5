package facts

import (
	"cmp"
	"net/netip"
	"strings"

	"sigs.k8s.io/yaml"
)

// kubeletFile holds the fields of KubeletConfiguration that manifests set (k8s.io/kubelet/config/v1beta1). Pointers tell
// a zero value from a missing field, whose default is not zero.
type kubeletFile struct {
	Kind                string `json:"kind"`
	MaxPods             int    `json:"maxPods"`
	SeccompDefault      bool   `json:"seccompDefault"`
	RegistryPullQPS     *int   `json:"registryPullQPS"`
	RegistryBurst       int    `json:"registryBurst"`
	SerializeImagePulls *bool  `json:"serializeImagePulls"`
	ServerTLSBootstrap  bool   `json:"serverTLSBootstrap"`
}

// DefaultKubelet returns the kubelet's defaults (SetDefaults_KubeletConfiguration in
// pkg/kubelet/apis/config/v1beta1 of Kubernetes).
func DefaultKubelet() Kubelet {
	return Kubelet{MaxPods: 110, RegistryPullQPS: 5, RegistryBurst: 10, SerializeImagePulls: true}
}

// decodeKubelet decodes the kubelet's configuration and flags as kubeadm has written them. It returns nil without them.
func decodeKubelet(output probeOutput) *Kubelet {
	kubelet := ParseKubelet(strings.Join(output.files["/var/lib/kubelet/config.yaml"], "\n"))
	if kubelet != nil {
		kubelet.NodeIPs = nodeIPs(output.setting("/var/lib/kubelet/kubeadm-flags.env", "KUBELET_KUBEADM_ARGS"))
	}
	return kubelet
}

// ParseKubelet parses a KubeletConfiguration. NodeIPs stays empty, since the addresses are flags. It returns nil for
// anything else, without an error: a host of another cluster may have a file of any form there.
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

// nodeIPs returns the addresses of the flag --node-ip. It skips values that are not addresses.
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
