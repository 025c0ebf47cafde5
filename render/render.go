// Package render turns a cluster's configuration, its address plan and what is known about its hosts
// into files: those that go on hosts and the manifests that go into the cluster.
//
// It is a pure function. The same input gives the same bytes: no clock, no randomness, nothing in
// the order of a map. What can only be known later, like a join token before there is a cluster to
// join, is rendered as a placeholder that stands in the same place as the value will, so that a dry
// run shows every file there will ever be.
package render

import (
	"fmt"
	"io/fs"
	"net/netip"

	"github.com/dualstrap/dualstrap/api"
)

// Input is everything that rendering needs.
type Input struct {
	Config *api.Config
	// Plan has the nodes of Config, in the same order.
	Plan *api.Plan
	// Discovered is what is not known offline. What it leaves out is rendered as a placeholder.
	Discovered Discovered
	// Version is dualstrap's own, and so the tag of the image that its workloads run from; "dev" when
	// empty.
	Version string
}

// File is one file to be written, or one manifest to be applied.
type File struct {
	// Host is the address of the node it belongs to; "" for the cluster.
	Host string
	// Path is absolute for a file on the host, and relative for what is no file of its own there:
	// manifests of the cluster, files under agent/ which the node agent keeps, and firewalld.yaml.
	Path string
	Mode fs.FileMode
	// Content may be shared between files; it is read-only.
	Content []byte
}

// HostFiles is everything that one host gets.
type HostFiles struct {
	// Address is that of api.Node and api.PlanNode.
	Address netip.Addr
	Role    api.Role
	// Files are in order of their paths, absolute ones first.
	Files []File
	// Firewalld applies only where firewalld runs. Files shows it as firewalld.yaml.
	Firewalld Firewalld
}

// Hosts renders what goes on each host, in the order of the plan. It fails when Config and Plan do
// not describe the same nodes, or when a value cannot be written in a file's syntax.
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
