// Package cni writes the CNI configuration of a node: ptp with addresses of both families from
// host-local, and portmap. Rendering shows it, the node agent keeps it.
package cni

import (
	"encoding/json"
	"fmt"
	"net/netip"
)

// PodCIDRs are the blocks that one node's pods get their addresses from.
type PodCIDRs struct{ V4, V6 netip.Prefix }

// confList is a chain of CNI plugins; see the CNI specification, version 1.0.0.
type confList struct {
	CNIVersion string `json:"cniVersion"`
	Name       string `json:"name"`
	Plugins    []any  `json:"plugins"`
}

// ptpPlugin gives each pod a link of its own to the host. The route at its other end is what the node
// agent finds pods by.
type ptpPlugin struct {
	Type   string    `json:"type"`
	IPMasq bool      `json:"ipMasq"`
	MTU    int       `json:"mtu,omitempty"`
	IPAM   hostLocal `json:"ipam"`
}

// hostLocal takes addresses from ranges and remembers them in files.
type hostLocal struct {
	Type    string      `json:"type"`
	DataDir string      `json:"dataDir"`
	Ranges  [][]ipRange `json:"ranges"`
	Routes  []route     `json:"routes"`
}

type ipRange struct {
	Subnet netip.Prefix `json:"subnet"`
}

type route struct {
	Dst netip.Prefix `json:"dst"`
}

// portmapPlugin serves the hostPorts of pods.
type portmapPlugin struct {
	Type         string          `json:"type"`
	Capabilities map[string]bool `json:"capabilities"`
	Backend      string          `json:"backend"`
}

// FileName is the configuration's name below /etc/cni/net.d. The lowest name is the one that counts.
const FileName = "10-dualstrap.conflist"

// ConfList is the CNI configuration of a node, for /etc/cni/net.d. The node agent writes it once the
// node has its podCIDRs, which is what makes the node ready. mtu is that of the node's uplink; 0
// leaves it to the kernel. It fails unless the ranges are one of each family.
func ConfList(pods PodCIDRs, mtu int) ([]byte, error) {
	if !pods.V4.IsValid() || !pods.V4.Addr().Is4() || !pods.V6.IsValid() || !pods.V6.Addr().Is6() || pods.V6.Addr().Is4In6() {
		return nil, fmt.Errorf("cannot make CNI configuration of %s and %s: they are not an IPv4 and an IPv6 range", pods.V4, pods.V6)
	}
	list := confList{CNIVersion: "1.0.0", Name: "dualstrap", Plugins: []any{
		ptpPlugin{
			Type: "ptp",
			// The agent knows which traffic needs the node's address; the plugin would masquerade all.
			IPMasq: false,
			MTU:    mtu,
			IPAM: hostLocal{
				Type: "host-local",
				// /run is empty after a reboot, and so are the pods.
				DataDir: "/run/dualstrap/cni",
				Ranges:  [][]ipRange{{{pods.V4.Masked()}}, {{pods.V6.Masked()}}},
				Routes:  []route{{netip.PrefixFrom(netip.IPv4Unspecified(), 0)}, {netip.PrefixFrom(netip.IPv6Unspecified(), 0)}},
			},
		},
		portmapPlugin{Type: "portmap", Capabilities: map[string]bool{"portMappings": true}, Backend: "nftables"},
	}}
	encoded, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("cannot encode CNI configuration: %w", err)
	}
	return append(encoded, '\n'), nil
}
