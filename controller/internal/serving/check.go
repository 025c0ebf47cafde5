package serving

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/internal/nodeaddress"
)

// Node is what counts of a Node: what its kubelet cannot write.
type Node struct {
	Name   string
	Labels map[string]string
}

// labelControlPlane is one more label that kubelets cannot give themselves.
const labelControlPlane = "node-role.kubernetes.io/control-plane"

// isControlPlane reports whether the node runs an API server, and so has the key with which certificates are signed.
func (n Node) isControlPlane() bool {
	_, found := n.Labels[labelControlPlane]
	return found
}

// Cluster is what a request is held against.
type Cluster struct {
	// Node is that of the kubelet; nil when there is none.
	Node *Node
	// Others are the names of other Nodes that have one of Node's addresses, too.
	Others []string
	// APIServers are names and addresses that clients know API servers by, beside those of their nodes; addresses as
	// netip.Addr writes them.
	APIServers []string
	// ServiceRanges are those that Services get their addresses from.
	ServiceRanges []netip.Prefix
}

// Check returns nil when the certificate is for the node's own name and addresses and for nothing else, and otherwise
// an error that says what speaks against it.
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

// checkTaken refuses what others than the node are known by. A node that runs an API server may share its names: they may
// be in API servers' certificates because it does.
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

// isService reports whether pods or API servers take a name for that of a Service, or for their own.
func isService(name string) bool {
	if slices.Contains([]string{"kubernetes", "kubernetes.default", "localhost"}, name) {
		return true
	}
	return strings.HasSuffix(name, ".svc") || strings.Contains(name, ".svc.")
}
