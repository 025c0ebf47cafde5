package render

import "strconv"

// kubeletPatch fills what one node's kubelet does otherwise than the cluster's. Empty strings are
// left out.
type kubeletPatch struct {
	RegistryBurst       string
	RegistryPullQPS     string
	SerializeImagePulls string
	CgroupV1            bool
	Container           bool
}

// kubeletPatch is a patch for kubeadm to apply to the cluster's KubeletConfiguration; no file when
// there is nothing to patch. Node pools and hosts differ, and kubeadm keeps one configuration only.
func (r *hostRenderer) kubeletPatch(h *host) ([]File, error) {
	pool := h.pool.Kubelet
	patch := kubeletPatch{
		// Whatever the cluster's configuration says: it is older than the manifests may be.
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
