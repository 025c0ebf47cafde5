package render

import (
	"fmt"
	"net/netip"
	"strings"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/render/cni"
)

// nftablesData fills the node agent's table.
type nftablesData struct {
	// SNAT is set on IPv4 islands.
	SNAT bool
	// Cluster is every IPv4 address of nodes and their pods, as nft writes ranges.
	Cluster string
	// Local is this node's own block.
	Local     netip.Prefix
	Interface string
	// Families has IPv4 first.
	Families []nftablesFamily
}

// nftablesFamily is where pods are, as nft writes ranges.
type nftablesFamily struct {
	Number, Type          string
	PodRanges, OtherNodes string
}

// agentFiles are what the node agent will keep on the host. They are shown, not written: the agent
// follows the cluster, which grows.
func (r *hostRenderer) agentFiles(h *host) ([]File, error) {
	if !r.cfg.Network.Builtin {
		return nil, nil
	}
	conflist, err := cni.ConfList(h.podCIDRs(), h.facts.MTU)
	if err != nil {
		return nil, err
	}
	data := nftablesData{
		SNAT: !r.cfg.Network.FlatIPv4, Cluster: r.snatExempt, Local: h.podCIDRs().V4, Interface: h.interfaceName(),
		Families: []nftablesFamily{
			{Number: "4", Type: "ipv4_addr", PodRanges: nftRanges(r.podBlocks.ranges4)},
			{Number: "6", Type: "ipv6_addr", PodRanges: nftRanges(r.podBlocks.ranges6)},
		},
	}
	for i, own := range []netip.Prefix{h.podCIDRs().V4, h.podCIDRs().V6} {
		if data.Families[i].OtherNodes, err = othersBlocks(r.podBlocks.all[i], own); err != nil {
			return nil, err
		}
	}
	table, err := r.file("nftables.nft", "agent/nftables.nft", modePublic, data)
	return []File{{Path: "agent/" + cni.FileName, Mode: modePublic, Content: conflist}, table}, err
}

// snatExempt are the IPv4 addresses of all nodes and their pods, as few ranges as there can be: an nft
// set refuses ranges that overlap, and thousands of nodes in a row are one range.
func snatExempt(hosts []host) (string, error) {
	var builder netipx.IPSetBuilder
	for i := range hosts {
		builder.Add(hosts[i].node.K8sIP)
		builder.AddPrefix(hosts[i].podCIDRs().V4)
	}
	set, err := builder.IPSet()
	if err != nil {
		return "", fmt.Errorf("cannot join the addresses of pods and nodes: %w", err)
	}
	return nftRanges(set), nil
}

// podBlocks are where pods may be and where they are, worked out once for all nodes.
type podBlocks struct {
	ranges4, ranges6 *netipx.IPSet
	// all are the blocks of all nodes, IPv4 first.
	all [2]*netipx.IPSet
}

func newPodBlocks(ranges4, ranges6 []netip.Prefix, hosts []host) (podBlocks, error) {
	var blocks podBlocks
	var nodes [2][]netip.Prefix
	for i := range hosts {
		cidrs := hosts[i].podCIDRs()
		nodes[0], nodes[1] = append(nodes[0], cidrs.V4), append(nodes[1], cidrs.V6)
	}
	for _, set := range []struct {
		made     **netipx.IPSet
		prefixes []netip.Prefix
	}{{&blocks.ranges4, ranges4}, {&blocks.ranges6, ranges6}, {&blocks.all[0], nodes[0]}, {&blocks.all[1], nodes[1]}} {
		var builder netipx.IPSetBuilder
		for _, prefix := range set.prefixes {
			builder.AddPrefix(prefix)
		}
		var err error
		if *set.made, err = builder.IPSet(); err != nil {
			return podBlocks{}, fmt.Errorf("cannot join the ranges of pods: %w", err)
		}
	}
	return blocks, nil
}

// othersBlocks gives the blocks of all nodes but one.
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

// nftRanges writes as few ranges as there can be.
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
