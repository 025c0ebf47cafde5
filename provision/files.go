package provision

import (
	"github.com/dualstrap/dualstrap/render"
)

// RenderAll renders all files that create would write on hosts and apply to the cluster, hosts first. It connects to
// nothing: values that only a host or a running control plane knows are placeholders. version is the version of this
// program, whose image runs in the cluster.
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
