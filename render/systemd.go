package render

import "net/netip"

// noData fills templates whose content is the same on every host.
type noData struct{}

// clusterData fills the file that identifies the cluster to which a host belongs.
type clusterData struct {
	Name, Namespace      string
	ControlPlaneEndpoint netip.AddrPort
}

// clusterFile returns the file that records which cluster the host was prepared for.
func (r *hostRenderer) clusterFile(*host) ([]File, error) {
	data := clusterData{Name: r.cfg.Name, Namespace: r.cfg.Namespace, ControlPlaneEndpoint: r.controlPlaneEndpoint()}
	file, err := sharedFile(r, "cluster.yaml", ClusterFile, data)
	return []File{file}, err
}

// systemdFiles returns the systemd units of the container runtime and of the kubelet.
func (r *hostRenderer) systemdFiles(*host) ([]File, error) {
	const units = "/etc/systemd/system/"
	var files []File
	for _, unit := range []struct{ template, path string }{
		{"containerd.service", units + "containerd.service"},
		{"kubelet.service", units + "kubelet.service"},
		{"10-kubeadm.conf", units + "kubelet.service.d/10-kubeadm.conf"},
	} {
		file, err := sharedFile(r, unit.template, unit.path, noData{})
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}
