// Package render turns a cluster's configuration, its address plan and the facts about its hosts into files: those that
// are written to hosts and the manifests that are applied to the cluster.
//
// Rendering is a pure function. The same input yields the same bytes: it reads no clock, uses no randomness and does
// not depend on the order of a map. A value that is only known later, like a join token before there is a cluster to
// join, is rendered as a placeholder in the place of the value, so that a dry run shows every file of the real run.
package render

import (
	"fmt"
	"io/fs"
	"net/netip"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/firewalld"
)

// Input holds everything that rendering needs.
type Input struct {
	Config *api.Config
	// Plan has the nodes of Config, in the same order.
	Plan *api.Plan
	// Discovered holds values that are not known offline. A value that it lacks is rendered as a placeholder.
	Discovered Discovered
	// Version is dualstrap's own version, and therefore the tag of the image that its workloads run. Empty means "dev".
	Version string
}

// File is one file to be written, or one manifest to be applied.
type File struct {
	// Host is the address of the node that the file belongs to. It is empty for manifests of the cluster.
	Host string
	// Path is absolute for a file that is written to the host. It is relative for everything that is only shown there:
	// manifests of the cluster, files under agent/, which the node agent keeps up to date, and firewalld.yaml.
	Path string
	Mode fs.FileMode
	// Content may be shared between files. Callers must not modify it.
	Content []byte
}

// HostFiles holds everything that is rendered for one host.
type HostFiles struct {
	// Address is the host's Address in api.Node and api.PlanNode.
	Address netip.Addr
	Role    api.Role
	// Files is sorted by path, absolute paths first.
	Files []File
	// Firewalld applies only on hosts where firewalld runs. Files contains the same changes as firewalld.yaml, for
	// readers.
	Firewalld firewalld.Wanted
}

// Hosts returns the files of each host, in the order of the plan. It returns an error if Config and Plan do not
// describe the same nodes, or if a value cannot be expressed in the syntax of a file.
func Hosts(in Input) ([]HostFiles, error) {
	hosts, err := resolveHosts(in)
	if err != nil {
		return nil, err
	}
	r, err := newHostRenderer(in, hosts)
	if err != nil {
		return nil, err
	}
	rendered := make([]HostFiles, len(hosts))
	for i := range hosts {
		if rendered[i], err = r.render(&hosts[i]); err != nil {
			return nil, fmt.Errorf("cannot render host %s: %w", hosts[i].node.Address, err)
		}
	}
	return rendered, nil
}

// All returns all files that create would write on hosts and apply to the cluster, hosts first.
func All(in Input) ([]File, error) {
	hosts, err := Hosts(in)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, host := range hosts {
		files = append(files, host.Files...)
	}
	manifests, err := Cluster(in)
	if err != nil {
		return nil, err
	}
	return append(files, manifests...), nil
}
