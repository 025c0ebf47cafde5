package render

import "github.com/dualstrap/dualstrap/render/cni"

// cniDir is where container runtimes look for the pod network's configuration.
const cniDir = "/etc/cni/net.d/"

// tmpfilesData fills tmpfiles.conf.
type tmpfilesData struct{ Path string }

// tmpfilesFiles say what does not outlive a reboot.
func (r *hostRenderer) tmpfilesFiles(*host) ([]File, error) {
	if !r.cfg.Network.Builtin {
		return nil, nil
	}
	file, err := sharedFile(r, "tmpfiles.conf", "/etc/tmpfiles.d/dualstrap.conf", tmpfilesData{Path: cniDir + cni.FileName})
	return []File{file}, err
}
