// Package nodeaddress stores a node's addresses in labels of its Node that the kubelet cannot change.
//
// A kubelet writes the status of its Node, including the addresses there, and may set annotations and most labels. It
// cannot write labels with this prefix: the admission plugin NodeRestriction, which kubeadm enables, rejects them when
// a kubelet creates or changes its Node. A label lives as long as the Node does.
package nodeaddress

import (
	"fmt"
	"net/netip"
	"strings"
)

// The keys of the labels, one for each family, and their common prefix.
const (
	Prefix    = "dualstrap.node-restriction.kubernetes.io"
	LabelIPv4 = Prefix + "/ipv4"
	LabelIPv6 = Prefix + "/ipv6"
)

// Value returns an address in the form of a label's value, which cannot contain colons, and must begin and end with a
// letter or a digit: fd12::2:4 becomes fd12-0000-0000-0000-0000-0000-0002-0004.
func Value(address netip.Addr) string {
	return strings.ReplaceAll(address.StringExpanded(), ":", "-")
}

// Of returns the addresses in the labels of a Node, IPv4 first. The error names the label that is missing or invalid.
func Of(labels map[string]string) ([]netip.Addr, error) {
	var addresses []netip.Addr
	for _, key := range []string{LabelIPv4, LabelIPv6} {
		value, found := labels[key]
		if !found {
			return nil, fmt.Errorf("label %s is missing", key)
		}
		// Only the form that Value returns is accepted: each address has exactly one, so equal addresses have equal
		// labels.
		address, err := netip.ParseAddr(strings.ReplaceAll(value, "-", ":"))
		if err != nil || Value(address) != value || address.Is4() != (key == LabelIPv4) {
			return nil, fmt.Errorf("label %s has the value %q, which is not such an address", key, value)
		}
		addresses = append(addresses, address)
	}
	return addresses, nil
}
