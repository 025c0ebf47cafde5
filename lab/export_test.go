package lab

// RenderManifest returns the cluster.yaml of a lab.
func RenderManifest(spec Spec, workspace Workspace, cgroupV1 bool) ([]byte, error) {
	m := newManifest(spec)
	m.KeyPath, m.KnownHostsPath, m.CgroupV1 = workspace.KeyPath(), workspace.KnownHostsPath(), cgroupV1
	return m.render()
}

// WriteManifest reports whether cluster.yaml was written, and whether it was kept because of edits.
func WriteManifest(w Workspace, content []byte) (written, kept bool, err error) {
	state, err := w.writeManifest(content)
	return state == manifestWritten, state == manifestKept, err
}

// RemoveWorkspace removes the files that `lab up` writes.
func RemoveWorkspace(w Workspace) (removed, kept bool, err error) { return w.remove() }

// MakeKey reads the key pair, or creates it.
func MakeKey(w Workspace) (authorized []byte, made bool, err error) {
	signer, made, err := w.key()
	if err != nil {
		return nil, made, err
	}
	return authorizedKey(signer), made, nil
}
