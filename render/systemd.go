package render

// noData fills templates that are the same everywhere.
type noData struct{}

// systemdFiles are the units of the container runtime and of the kubelet.
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
