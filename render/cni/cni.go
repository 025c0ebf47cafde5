// Package cni generates the CNI configuration of a node: ptp with addresses of both families from host-local, and
// portmap. Rendering shows it, and the node agent writes it.
package cni

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/dualstrap/dualstrap/internal/family"
)

// confList is a chain of CNI plugins; see the CNI specification, version 1.0.0.
type confList struct {
	CNIVersion string `json:"cniVersion"`
	Name       string `json:"name"`
	Plugins    []any  `json:"plugins"`
}

// ptpPlugin gives each pod a point-to-point link to the host. The node agent finds pods by the route to the pod's
// address that the plugin adds on the host.
type ptpPlugin struct {
	Type   string    `json:"type"`
	IPMasq bool      `json:"ipMasq"`
	MTU    int       `json:"mtu,omitempty"`
	IPAM   hostLocal `json:"ipam"`
}

// hostLocal assigns addresses from the ranges and records them in files below DataDir.
type hostLocal struct {
	Type    string      `json:"type"`
	DataDir string      `json:"dataDir"`
	Ranges  [][]ipRange `json:"ranges"`
	// Routes are the routes inside the pod.
	Routes []route `json:"routes"`
}

// ipRange is a range of addresses of one family.
type ipRange struct {
	Subnet netip.Prefix `json:"subnet"`
}

// route is a route through the pod's link.
type route struct {
	Dst netip.Prefix `json:"dst"`
}

// portmapPlugin implements the hostPorts of pods. Its rules are in nftables, as kube-proxy's are.
type portmapPlugin struct {
	Type         string          `json:"type"`
	Capabilities map[string]bool `json:"capabilities"`
	Backend      string          `json:"backend"`
}

// FileName is the configuration's name below /etc/cni/net.d. Container runtimes use the first file in the order of
// names.
const FileName = "10-dualstrap.conflist"

// ConfList returns the CNI configuration of a node, for /etc/cni/net.d. The node agent writes it when the node has its
// podCIDRs, and only then does the container runtime report its network, and the kubelet the node, as ready. pods are the
// blocks from which the node's pods get their addresses. mtu is the
// MTU of the node's uplink in bytes; 0 leaves it to the kernel. ConfList returns an error unless there is one range of
// each family.
func ConfList(pods family.Pair[netip.Prefix], mtu int) ([]byte, error) {
	v4, v6 := pods[family.IPv4], pods[family.IPv6]
	if !v4.IsValid() || !v4.Addr().Is4() || !v6.IsValid() || !v6.Addr().Is6() || v6.Addr().Is4In6() {
		return nil, fmt.Errorf("cannot make CNI configuration of %s and %s: they are not an IPv4 and an IPv6 range", v4, v6)
	}
	list := confList{CNIVersion: "1.0.0", Name: "dualstrap", Plugins: []any{
		ptpPlugin{
			Type: "ptp",
			// The agent translates only the traffic that needs the node's address; the plugin would masquerade all.
			IPMasq: false,
			MTU:    mtu,
			IPAM: hostLocal{
				Type: "host-local",
				// After a reboot no pod is left, and /run is empty as well: the records of addresses go with the pods.
				DataDir: "/run/dualstrap/cni",
				Ranges:  [][]ipRange{{{v4.Masked()}}, {{v6.Masked()}}},
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
