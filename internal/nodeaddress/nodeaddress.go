// Package nodeaddress keeps a node's addresses in labels of its Node that its kubelet cannot change.
//
// A kubelet writes the status of its Node, and the addresses there, by itself, and annotations and most labels of the
// Node, too. Labels with this prefix are what it cannot write: the API server's admission plugin NodeRestriction, which
// kubeadm switches on, refuses them to kubelets, whether they create their Nodes or change them. A label lives as long as
// its Node does.
package nodeaddress

import (
	"fmt"
	"net/netip"
	"strings"
)

// The labels, one for each family, and what their keys begin with.
const (
	Prefix    = "dualstrap.node-restriction.kubernetes.io"
	LabelIPv4 = Prefix + "/ipv4"
	LabelIPv6 = Prefix + "/ipv6"
)

// Value is an address as the value of a label, which may not have colons in it, nor begin or end with anything but a
// letter or a digit: fd12::2:4 is fd12-0000-0000-0000-0000-0000-0002-0004.
func Value(address netip.Addr) string {
	return strings.ReplaceAll(address.StringExpanded(), ":", "-")
}

// Of returns the addresses of a node with these labels, IPv4 first. The error says what is missing or wrong.
func Of(labels map[string]string) ([]netip.Addr, error) {
	var addresses []netip.Addr
	for _, key := range []string{LabelIPv4, LabelIPv6} {
		value, found := labels[key]
		if !found {
			return nil, fmt.Errorf("label %s is missing", key)
		}
		address, err := netip.ParseAddr(strings.ReplaceAll(value, "-", ":"))
		if err != nil || Value(address) != value || address.Is4() != (key == LabelIPv4) {
			return nil, fmt.Errorf("label %s has the value %q, which is not such an address", key, value)
		}
		addresses = append(addresses, address)
	}
	return addresses, nil
}
