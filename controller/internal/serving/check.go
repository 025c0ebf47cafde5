package serving

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/internal/nodeaddress"
)

// Node holds the fields of a Node that its kubelet cannot write.
type Node struct {
	Name   string
	Labels map[string]string
}

// labelControlPlane marks control plane nodes. The NodeRestriction admission plugin forbids kubelets to set it.
const labelControlPlane = "node-role.kubernetes.io/control-plane"

// isControlPlane reports whether the node runs an API server. Such a node has the key of the CA anyway, so it gains
// nothing from a certificate.
func (n Node) isControlPlane() bool {
	_, found := n.Labels[labelControlPlane]
	return found
}

// Cluster is the state of the cluster that a request is checked against.
type Cluster struct {
	// Node is that of the kubelet, or nil if it does not exist.
	Node *Node
	// Others are the names of other Nodes that have one of Node's addresses.
	Others []string
	// APIServers are the names and addresses under which clients reach API servers, except those of their nodes.
	// Addresses are in the form of netip.Addr.
	APIServers []string
	// ServiceRanges are the ranges of the addresses of Services.
	ServiceRanges []netip.Prefix
}

// Check returns nil if the certificate is for the node's own name and addresses and for nothing else, and otherwise an
// error with the reason against it.
func Check(request Request, cluster Cluster) error {
	node := cluster.Node
	if node == nil {
		return fmt.Errorf("there is no node %s", request.Node)
	}
	own, err := nodeaddress.Of(node.Labels)
	if err != nil {
		return fmt.Errorf("it is not known which addresses node %s has: %w; dualstrap create cluster sets it", node.Name, err)
	}
	for _, name := range request.DNSNames {
		if name != node.Name {
			return fmt.Errorf("the DNS name %q is not that of node %s", name, node.Name)
		}
		if err := cluster.checkTaken(name); err != nil {
			return err
		}
	}
	for _, address := range request.Addresses {
		if !slices.Contains(own, address) {
			return fmt.Errorf("the address %s is not one of node %s, which has %s and %s", address, node.Name, own[0], own[1])
		}
		if err := cluster.checkTaken(address.String()); err != nil {
			return err
		}
		if slices.ContainsFunc(cluster.ServiceRanges, func(services netip.Prefix) bool { return services.Contains(address) }) {
			return fmt.Errorf("the address %s is in a range of Services", address)
		}
	}
	if len(cluster.Others) > 0 {
		return fmt.Errorf("node %s has an address of node %s", cluster.Others[0], node.Name)
	}
	return nil
}

// checkTaken rejects names under which clients expect something other than the node. A node that runs an API server may
// have such names: the certificates of API servers contain its own.
func (c *Cluster) checkTaken(name string) error {
	if c.Node.isControlPlane() {
		return nil
	}
	if slices.ContainsFunc(c.APIServers, func(taken string) bool { return strings.EqualFold(taken, name) }) {
		return fmt.Errorf("%s is one of the API servers' names", name)
	}
	if isService(name) {
		return errors.New(name + " is the name of a Service inside of the cluster")
	}
	return nil
}

// isService reports whether clients in the cluster take a name for that of a Service, an API server or the host itself.
func isService(name string) bool {
	if slices.Contains([]string{"kubernetes", "kubernetes.default", "localhost"}, name) {
		return true
	}
	return strings.HasSuffix(name, ".svc") || strings.Contains(name, ".svc.")
}
