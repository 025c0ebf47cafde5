package render

import "strconv"

// kubeletPatch holds the fields in which one node's kubelet differs from the cluster's configuration. Empty strings are
// left out of the patch.
type kubeletPatch struct {
	RegistryBurst       string
	RegistryPullQPS     string
	SerializeImagePulls string
	CgroupV1            bool
	Container           bool
}

// kubeletPatch returns a patch that kubeadm applies to the cluster's KubeletConfiguration, or no file if there is
// nothing to patch. kubeadm keeps one configuration for all nodes, but node pools and hosts differ.
func (r *hostRenderer) kubeletPatch(h *host) ([]File, error) {
	pool := h.pool.Kubelet
	patch := kubeletPatch{
		// These are patched even if the cluster's configuration has the same value: that configuration may be older
		// than the manifests.
		CgroupV1:  h.facts.CgroupV1,
		Container: h.facts.Container,
	}
	if pool.RegistryBurst != nil {
		patch.RegistryBurst = strconv.Itoa(int(*pool.RegistryBurst))
	}
	if pool.RegistryPullQPS != nil {
		patch.RegistryPullQPS = strconv.Itoa(int(*pool.RegistryPullQPS))
	}
	if pool.SerializeImagePulls != nil {
		patch.SerializeImagePulls = strconv.FormatBool(*pool.SerializeImagePulls)
	}
	if patch == (kubeletPatch{}) {
		return nil, nil
	}
	file, err := sharedFile(r, "kubelet-patch.yaml", kubeadmPatches+"/kubeletconfiguration+strategic.yaml", patch)
	return []File{file}, err
}
