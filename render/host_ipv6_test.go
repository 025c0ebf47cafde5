package render

import (
	"bytes"
	"fmt"
	"net/netip"
	"regexp"
	"testing"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/internal/goldentest"
)

// ipv6Files returns the files with an IPv6 address wherever they have an address, although the manifests accept only
// IPv4 in most of these places.
func ipv6Files(tb testing.TB) []File {
	tb.Helper()
	parsed, err := parseTemplates("host/*.tmpl")
	if err != nil {
		tb.Fatal(err)
	}
	ip := netip.MustParseAddr
	node := kubeadmNode{
		Name: "node-4", CRISocket: CRISocket, NodeIPs: "fd12::2:4,10.2.0.4", ProviderID: "baremetal://fd12::2:4",
	}
	endpoint := kubeadmEndpoint{AdvertiseAddress: "fd12::2:4", BindPort: 6443, CertificateKey: testSecrets().CertificateKey}
	slots := []struct {
		template, path string
		data           any
	}{
		{"kubeadm-init.yaml", kubeadmDir + "/init.yaml", kubeadmInit{
			kubeadmEndpoint: endpoint, Node: node, ClusterName: "six", KubernetesVersion: "v1.36.3",
			ControlPlaneEndpoint: endpointOf(ip("fd12::4:1"), 443), ImageRepository: api.ImageRepository,
			ServiceSubnet: "fd12::5:0/116,172.16.0.0/20", CertSANs: []string{"fd12::4:1", "fd12::2:4"},
			CoreDNSTag: "v1.14.6", EtcdTag: "v3.6.16", MaxPods: 110, PodInterfacePrefix: podInterfacePrefix,
		}},
		{"kubeadm-join.yaml", kubeadmDir + "/join.yaml", kubeadmJoin{
			Node: node, APIServerEndpoint: endpointOf(ip("fd12::4:1"), 443), ControlPlane: &endpoint,
			Token: testSecrets().BootstrapToken, CACertHash: testSecrets().CACertHash,
		}},
		{"haproxy.cfg", loadBalancerDir + "/haproxy.cfg", haproxyData{
			Bind: endpointOf(ip("fd12::4:1"), 443), Health: endpointOf(netip.IPv6Loopback(), healthPort),
			Servers: []haproxyServer{{Name: ip("fd12::2:4"), Address: endpointOf(ip("fd12::2:4"), 6443)}},
		}},
		{"keepalived.conf", loadBalancerDir + "/keepalived.conf", keepalivedData{
			VIP: ip("fd12::4:1"), GARPRepeat: 5, CheckScript: "/etc/keepalived/check-haproxy", Standback: standback,
			Interface: "eth0", VirtualRouterID: virtualRouterID(ip("fd12::4:1")), Priority: topPriority,
			Address: ip("fd12::2:7"), Peers: []netip.Addr{ip("fd12::2:8")},
		}},
		{"check-haproxy.sh", loadBalancerDir + "/check-haproxy", checkData{Host: netip.IPv6Loopback(), Port: healthPort}},
		{"haproxy.yaml", StaticPods + "/haproxy.yaml", staticPodData{
			Image: api.Image("haproxy", api.HAProxyVersion), ConfigDirectory: loadBalancerDir,
			HealthHost: netip.IPv6Loopback().String(), HealthPort: healthPort,
		}},
		{"hosts.toml", registryConfigPath + "/_default/hosts.toml", hostsData{
			[]mirrorData{{Endpoint: "https://[fd12::3:c8]:5000/v2/mirror", OverridePath: true, Authorization: "Basic eDp5"}},
		}},
	}
	var files []File
	for _, slot := range slots {
		content, err := fill(parsed, slot.template, slot.data)
		if err != nil {
			tb.Fatal(err)
		}
		files = append(files, File{Path: slot.path, Mode: modePublic, Content: content})
	}
	return files
}

func TestIPv6InEverySlotGolden(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	for _, file := range ipv6Files(t) {
		fmt.Fprintf(&text, "-- %s\n%s", file.Path, file.Content)
	}
	goldentest.Compare(t, "testdata/hosts/ipv6-in-every-slot.txt", text.Bytes())
}

// TestIPv6WithPortHasBrackets checks that no file joins an IPv6 address and a port without brackets.
func TestIPv6WithPortHasBrackets(t *testing.T) {
	t.Parallel()
	bare := regexp.MustCompile(`(fd12:[0-9a-f:]*|::1):(443|5000|6443|6444|11000)\b`)
	files := ipv6Files(t)
	for _, s := range hostScenarios(t) {
		files = append(files, filesOf(t, s.in)...)
	}
	for _, file := range files {
		if found := bare.Find(file.Content); found != nil {
			t.Errorf("%s: %s has no brackets", file.Path, found)
		}
	}
	if !bare.MatchString("server fd12::2:4:6443") {
		t.Error("the expression finds nothing")
	}
}

func TestIPv6FilesAreReadStrictly(t *testing.T) {
	t.Parallel()
	for _, file := range ipv6Files(t) {
		if err := readStrictly(file); err != nil {
			t.Errorf("%s: %v\n%s", file.Path, err, file.Content)
		}
	}
}

func TestVRRPRuleOfEachFamily(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"10.2.0.8":  `rule family="ipv4" source address="10.2.0.8" protocol value="vrrp" accept`,
		"fd12::2:8": `rule family="ipv6" source address="fd12::2:8" protocol value="vrrp" accept`,
	} {
		if got := vrrpRule(netip.MustParseAddr(address)); got != want {
			t.Errorf("vrrpRule(%s) = %s, want %s", address, got, want)
		}
	}
}
