package render

import (
	"fmt"
	"net/netip"
	"strings"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/internal/family"
	"github.com/dualstrap/dualstrap/render/cni"
)

// nftablesData fills the node agent's table.
type nftablesData struct {
	// SNAT is set if IPv4 is in island mode: pods' packets leave the cluster with the node's address.
	SNAT bool
	// Cluster is every IPv4 address of nodes and their pods, as nft writes ranges. Packets to them are not translated.
	Cluster string
	// Local is this node's own block of IPv4 addresses.
	Local     netip.Prefix
	Interface string
	Families  family.Pair[nftablesFamily]
}

// nftablesFamily describes where pods of one family are: PodRanges are the ranges of the cluster, OtherNodes the blocks
// of the other nodes, both as nft writes ranges.
type nftablesFamily struct {
	// Number is 4 or 6, Type the nft type of an address.
	Number, Type string

	PodRanges, OtherNodes string
}

// agentFiles returns the files that the node agent will keep on the host. They are shown in a dry run, but not written:
// the agent derives them from the cluster's Nodes, of which there may be more by then.
func (r *hostRenderer) agentFiles(h *host) ([]File, error) {
	if !r.cfg.Network.Builtin {
		return nil, nil
	}
	conflist, err := cni.ConfList(h.podCIDRs(), h.facts.MTU)
	if err != nil {
		return nil, err
	}
	data := nftablesData{
		SNAT: !r.cfg.Network.FlatIPv4, Cluster: r.snatExempt, Local: h.podCIDRs()[family.IPv4], Interface: h.interfaceName(),
		Families: family.Pair[nftablesFamily]{{Number: "4", Type: "ipv4_addr"}, {Number: "6", Type: "ipv6_addr"}},
	}
	for f, own := range h.podCIDRs() {
		data.Families[f].PodRanges = nftRanges(r.podBlocks.ranges[f])
		if data.Families[f].OtherNodes, err = othersBlocks(r.podBlocks.nodes[f], own); err != nil {
			return nil, err
		}
	}
	table, err := r.file("nftables.nft", "agent/nftables.nft", modePublic, data)
	return []File{{Path: "agent/" + cni.FileName, Mode: modePublic, Content: conflist}, table}, err
}

// snatExempt returns the IPv4 addresses of all nodes and their pods, merged into as few ranges as possible: an nft set
// refuses ranges that overlap, and the blocks of thousands of consecutive nodes become one range.
func snatExempt(hosts []host) (string, error) {
	var builder netipx.IPSetBuilder
	for i := range hosts {
		builder.Add(hosts[i].node.K8sIP)
		builder.AddPrefix(hosts[i].podCIDRs()[family.IPv4])
	}
	set, err := builder.IPSet()
	if err != nil {
		return "", fmt.Errorf("cannot join the addresses of pods and nodes: %w", err)
	}
	return nftRanges(set), nil
}

// podBlocks holds the ranges of pods and the blocks of nodes within them, computed once for all nodes.
type podBlocks struct {
	ranges, nodes family.Pair[*netipx.IPSet]
}

// newPodBlocks merges the ranges of pods and the blocks of nodes, each per family.
func newPodBlocks(ranges family.Pair[[]netip.Prefix], hosts []host) (podBlocks, error) {
	var nodes family.Pair[[]netip.Prefix]
	for i := range hosts {
		for f, block := range hosts[i].podCIDRs() {
			nodes[f] = append(nodes[f], block)
		}
	}
	var blocks podBlocks
	var err error
	for _, f := range family.All() {
		if blocks.ranges[f], err = merged(ranges[f]); err != nil {
			return podBlocks{}, err
		}
		if blocks.nodes[f], err = merged(nodes[f]); err != nil {
			return podBlocks{}, err
		}
	}
	return blocks, nil
}

// merged returns the set of all addresses of the prefixes.
func merged(prefixes []netip.Prefix) (*netipx.IPSet, error) {
	var builder netipx.IPSetBuilder
	for _, prefix := range prefixes {
		builder.AddPrefix(prefix)
	}
	set, err := builder.IPSet()
	if err != nil {
		return nil, fmt.Errorf("cannot join the ranges of pods: %w", err)
	}
	return set, nil
}

// othersBlocks returns the blocks of all nodes except one, as nft writes ranges.
func othersBlocks(all *netipx.IPSet, own netip.Prefix) (string, error) {
	var builder netipx.IPSetBuilder
	builder.AddSet(all)
	builder.RemovePrefix(own)
	others, err := builder.IPSet()
	if err != nil {
		return "", fmt.Errorf("cannot take %s from the ranges of pods: %w", own, err)
	}
	return nftRanges(others), nil
}

// nftRanges returns the set as few ranges, in nft's notation: a single address, a prefix or first-last.
func nftRanges(set *netipx.IPSet) string {
	var words []string
	for _, r := range set.Ranges() {
		switch prefix, isPrefix := r.Prefix(); {
		case r.From() == r.To():
			words = append(words, r.From().String())
		case isPrefix:
			words = append(words, prefix.String())
		default:
			words = append(words, r.String())
		}
	}
	return strings.Join(words, ", ")
}
