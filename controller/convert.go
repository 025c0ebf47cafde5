package controller

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/dualstrap/dualstrap/allocator"
	"github.com/dualstrap/dualstrap/api/v1alpha1"
	"github.com/dualstrap/dualstrap/controller/internal/ledger"
)

// ledgerNode returns the fields of a Node that the ledger needs.
func ledgerNode(node *corev1.Node) ledger.Node {
	n := ledger.Node{
		Name:    node.Name,
		UID:     node.UID,
		Version: node.ResourceVersion,
		Created: node.CreationTimestamp.Time,
		Leaving: node.DeletionTimestamp != nil,
		Labels:  node.Labels,
	}
	// The API server fills in podCIDRs if only podCIDR is set. The fallback does not rely on it: a range that is
	// overlooked here would be assigned twice.
	held := node.Spec.PodCIDRs
	if len(held) == 0 && node.Spec.PodCIDR != "" {
		held = []string{node.Spec.PodCIDR}
	}
	n.PodCIDRs = parsePrefixes(held)
	return n
}

// allocatorConfig returns the ranges and the selector of a ClusterCIDRConfig. Its CustomResourceDefinition rejects
// objects that are invalid here, unless someone has changed that definition.
func allocatorConfig(c *v1alpha1.ClusterCIDRConfig) (allocator.Config, error) {
	config := allocator.Config{Name: c.Namespace + "/" + c.Name}
	if c.Spec.NodeSelector != nil {
		config.MatchLabels = c.Spec.NodeSelector.MatchLabels
	}
	var err error
	if config.V4, err = allocatorRange(c.Spec.IPv4); err != nil {
		return config, err
	}
	if config.V6, err = allocatorRange(c.Spec.IPv6); err != nil {
		return config, err
	}
	_, err = allocator.New([]allocator.Config{config}) // validates the ranges; the allocator itself is dropped
	return config, err
}

// allocatorRange returns a range of a ClusterCIDRConfig. The allocator checks its mask size.
func allocatorRange(r v1alpha1.CIDRRange) (allocator.Range, error) {
	cidr, err := netip.ParsePrefix(r.CIDR)
	if err != nil {
		return allocator.Range{}, fmt.Errorf("cannot use range %q: %w", r.CIDR, err)
	}
	return allocator.Range{CIDR: cidr, NodeMask: int(r.PerNodeMaskSize)}, nil
}

// serviceRanges returns the ranges of all Services, sorted, so that the same objects yield the same list.
func serviceRanges(list *networkingv1.ServiceCIDRList) []netip.Prefix {
	var all []string
	for i := range list.Items {
		all = append(all, list.Items[i].Spec.CIDRs...)
	}
	ranges := parsePrefixes(all)
	slices.SortFunc(ranges, netip.Prefix.Compare)
	return ranges
}

// parsePrefixes parses prefixes that the API server has validated.
func parsePrefixes(texts []string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		if p, err := netip.ParsePrefix(text); err == nil {
			all = append(all, p)
		}
	}
	return all
}
