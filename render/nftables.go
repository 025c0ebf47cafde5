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
	// Cluster is every IPv4 address of nodes and their pods, as nft writes ranges.
	Cluster string
	// Local is this node's own block.
	Local     netip.Prefix
	Interface string
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
	files := []File{{Path: "agent/" + cni.FileName, Mode: modePublic, Content: conflist}}
	if r.cfg.Network.FlatIPv4 {
		return files, nil
	}
	data := nftablesData{Cluster: r.snatExempt, Local: h.podCIDRs().V4, Interface: h.interfaceName()}
	table, err := r.file("nftables.nft", "agent/nftables.nft", modePublic, data)
	return append(files, table), err
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
	return strings.Join(words, ", "), nil
}
