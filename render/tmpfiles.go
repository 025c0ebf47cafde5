package render

import "github.com/dualstrap/dualstrap/render/cni"

// cniDir is the directory in which container runtimes look for the CNI configuration.
const cniDir = "/etc/cni/net.d/"

// tmpfilesData fills tmpfiles.conf. Path is the file that is removed at boot.
type tmpfilesData struct{ Path string }

// tmpfilesFiles returns the file that makes systemd-tmpfiles remove the CNI configuration at boot. With the old
// configuration pods would start before the node agent, which prevents them from sending with addresses of others.
func (r *hostRenderer) tmpfilesFiles(*host) ([]File, error) {
	if !r.cfg.Network.Builtin {
		return nil, nil
	}
	file, err := sharedFile(r, "tmpfiles.conf", "/etc/tmpfiles.d/dualstrap.conf", tmpfilesData{Path: cniDir + cni.FileName})
	return []File{file}, err
}
