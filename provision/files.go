package provision

import (
	"github.com/dualstrap/dualstrap/render"
)

// RenderAll renders everything that create would put on hosts and into the cluster, hosts first,
// with placeholders for what only a host or a running control plane can tell. It touches nothing. The
// version is that of this program, whose image runs in the cluster.
func RenderAll(loaded Loaded, version string) ([]render.File, error) {
	in := render.Input{Config: loaded.Config, Plan: loaded.Plan, Version: version}
	hosts, err := render.Hosts(in)
	if err != nil {
		return nil, err
	}
	var files []render.File
	for _, host := range hosts {
		files = append(files, host.Files...)
	}
	manifests, err := render.Cluster(in)
	if err != nil {
		return nil, err
	}
	return append(files, manifests...), nil
}
