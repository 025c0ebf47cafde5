package prooftest

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/provision/proof"
)

// apiServerPort is the port of the control plane's VIP.
const apiServerPort = 6443

// newConfig returns the configuration of the cluster: one control plane node, which carries the VIP, and two workers.
func newConfig() *api.Config {
	node := func(text string) api.Node {
		address := netip.MustParseAddr(text)
		return api.Node{Address: address, K8sIP: address}
	}
	return &api.Config{
		Name: "simulated", Namespace: "cluster-simulated",
		Pools: []api.Pool{
			{Name: "control-plane", Role: api.RoleControlPlane, Nodes: []api.Node{node("10.2.0.4")}},
			{
				Name: "workers", Role: api.RoleWorker, Nodes: []api.Node{node("10.2.0.5"), node("10.2.0.6")},
				Labels: map[string]string{"disk": "fast"},
			},
		},
		CIDRConfigs: []api.CIDRConfig{{
			Name: "ranges",
			IPv4: api.CIDRRange{CIDR: netip.MustParsePrefix("192.168.0.0/16"), PerNodeMaskSize: 24},
			IPv6: api.CIDRRange{CIDR: netip.MustParsePrefix("fd12::1:0/112"), PerNodeMaskSize: 120},
		}},
		Network: api.Network{
			Builtin: true, Pods: netip.MustParsePrefix("192.168.0.0/16"),
			Services: []netip.Prefix{netip.MustParsePrefix("172.16.0.0/20"), netip.MustParsePrefix("fd12::5:0/116")},
		},
		LoadBalancer: api.LoadBalancer{
			ControlPlane: api.ControlPlaneKeepalived, Services: api.ServicesLayer2,
			ControlPlaneVIP: netip.MustParseAddr("10.2.0.200"), Port: apiServerPort,
			Pools: []api.AddressPool{{Name: "pool", Addresses: []netipx.IPRange{
				netipx.MustParseIPRange("10.2.0.212-10.2.0.221"), netipx.MustParseIPRange("fd12::4:101-fd12::4:110"),
			}}},
		},
		VerifyClient: netip.MustParseAddr("10.2.0.100"),
	}
}

// Cluster returns what a proof needs of the network. The nodes are those that the API server has at this moment.
func (n *Network) Cluster(ctx context.Context) proof.Cluster {
	n.tb.Helper()
	client := n.API.Client()
	present, err := client.Nodes(ctx)
	if err != nil {
		n.tb.Fatal(err)
	}
	certificate, key := n.CA.Issue(n.tb)
	cluster := proof.Cluster{
		Config: n.Config, Plan: n.Plan, Present: present, API: client, Connections: connections{n}, Bundle: n.Bundle,
		Admin: kube.Admin{CA: n.CA.PEM(), Certificate: certificate, Key: key},
	}
	for i, node := range n.Nodes {
		cluster.Hosts = append(cluster.Hosts, node.checked(i == 0))
	}
	return cluster
}

// checked returns what a run knows about the node's host before a proof.
func (n *Node) checked(controlPlane bool) check.Host {
	host := check.Host{Node: check.Node{Address: n.IPv4, K8sIP: n.IPv4, ControlPlane: controlPlane, Balancer: controlPlane}}
	if n.Unreachable {
		host.Err = &remote.Error{Op: "cannot connect to " + n.IPv4.String(), Reason: remote.ErrNoRoute}
		return host
	}
	host.Facts = facts.Host{
		Hostname: n.Name,
		Links: []facts.Link{{Name: "eth0", MTU: 1500, Up: true, Addresses: []facts.Address{
			{Prefix: netip.PrefixFrom(n.IPv4, 16), Global: true}, {Prefix: netip.PrefixFrom(n.IPv6, 108), Global: true},
		}}},
		Units:     map[string]facts.Unit{"firewalld": {Active: true, Enabled: true}},
		Firewalld: facts.Firewalld{RPFilter: "no", RPFilterRunning: n.RPFilter.Running, DefaultZone: "public"},
	}
	if n.RPFilter.InFile {
		host.Facts.Firewalld.RPFilter = "yes"
	}
	return host
}

// newBundle returns a bundle of one program: the proof's server, which is an empty static executable here.
func newBundle(tb testing.TB) *bundle.Dir {
	tb.Helper()
	dir, program, stored := tb.TempDir(), executable(), bytes.Buffer{}
	zipper := gzip.NewWriter(&stored)
	_, err := zipper.Write(program)
	if err := errors.Join(err, zipper.Close(), os.WriteFile(filepath.Join(dir, "hello.gz"), stored.Bytes(), 0o600)); err != nil {
		tb.Fatal(err)
	}
	return &bundle.Dir{Dir: dir, Manifest: bundle.Manifest{Files: []bundle.File{{
		Path: "hello.gz", Kind: bundle.KindExecutable, Name: "hello", Version: api.HelloVersion,
		Size: int64(stored.Len()), SHA256: digest(stored.Bytes()),
		Executable: &bundle.Executable{Path: "/hello", Mode: "0755", Size: int64(len(program)), SHA256: digest(program)},
	}}}}
}

// digest returns the SHA-256 digest of content in hexadecimal.
func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// executable returns the header of a program without segments, and so without an interpreter.
func executable() []byte {
	header := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT), Ehsize: 64}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB)
	header.Ident[elf.EI_VERSION] = byte(elf.EV_CURRENT)
	var content bytes.Buffer
	binary.Write(&content, binary.LittleEndian, header) //nolint:errcheck // a buffer takes everything
	return content.Bytes()
}
