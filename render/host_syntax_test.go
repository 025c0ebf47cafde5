package render

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"path"
	"strings"
	"testing"

	"github.com/containernetworking/cni/libcni"
	"github.com/pelletier/go-toml/v2"
	corev1 "k8s.io/api/core/v1"
	kubeproxy "k8s.io/kube-proxy/config/v1alpha1"
	kubelet "k8s.io/kubelet/config/v1beta1"
	"sigs.k8s.io/yaml"
)

// TestFilesAreReadStrictly decodes every file whose reader has Go types into those types, and every other YAML file for
// its syntax only. Placeholders must be valid in both.
func TestFilesAreReadStrictly(t *testing.T) {
	t.Parallel()
	for _, s := range hostScenarios(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for _, file := range filesOf(t, s.in) {
				if err := readStrictly(file); err != nil {
					t.Errorf("host %s, %s: %v\n%s", file.Host, file.Path, err, file.Content)
				}
			}
		})
	}
}

// filesOf returns every file of every host.
func filesOf(tb testing.TB, in Input) []File {
	tb.Helper()
	hosts, err := Hosts(in)
	if err != nil {
		tb.Fatalf("Hosts: %v", err)
	}
	var files []File
	for _, host := range hosts {
		files = append(files, host.Files...)
	}
	return files
}

// contentOf returns the file of a host with a path. It fails the test if there is no such file.
func contentOf(tb testing.TB, files []File, host, hostPath string) string {
	tb.Helper()
	for _, file := range files {
		if file.Host == host && file.Path == hostPath {
			return string(file.Content)
		}
	}
	tb.Fatalf("host %s has no file %s", host, hostPath)
	return ""
}

func readStrictly(file File) error {
	switch {
	case strings.HasPrefix(file.Path, StaticPods):
		return yaml.UnmarshalStrict(file.Content, &corev1.Pod{})
	case strings.HasPrefix(file.Path, kubeadmPatches):
		return yaml.UnmarshalStrict(file.Content, &kubelet.KubeletConfiguration{})
	case path.Ext(file.Path) == ".yaml":
		return readDocuments(file.Content)
	case path.Ext(file.Path) == ".toml":
		return toml.Unmarshal(file.Content, new(map[string]any))
	case path.Ext(file.Path) == ".conflist":
		_, err := libcni.ConfListFromBytes(file.Content)
		return err
	}
	return nil
}

// readDocuments decodes a stream of YAML documents, those of kubelet and kube-proxy into their own types.
func readDocuments(content []byte) error {
	for _, document := range bytes.Split(content, []byte("\n---\n")) {
		var into any = new(map[string]any)
		switch {
		case bytes.Contains(document, []byte("kind: KubeletConfiguration")):
			into = &kubelet.KubeletConfiguration{}
		case bytes.Contains(document, []byte("kind: KubeProxyConfiguration")):
			into = &kubeproxy.KubeProxyConfiguration{}
		}
		if err := yaml.UnmarshalStrict(document, into); err != nil {
			return err
		}
	}
	return nil
}

func TestCNIConfList(t *testing.T) {
	t.Parallel()
	in := scenarioInput(t, "one-control-plane/known")
	content := contentOf(t, filesOf(t, in), "10.2.0.5", "agent/10-dualstrap.conflist")
	list, err := libcni.ConfListFromBytes([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Plugins) != 2 || list.Plugins[0].Network.Type != "ptp" || list.Plugins[1].Network.Type != "portmap" {
		t.Fatalf("plugins are not ptp, then portmap:\n%s", content)
	}
	if !list.Plugins[1].Network.Capabilities["portMappings"] {
		t.Error("portmap is not told of hostPorts")
	}
	var ptp struct {
		IPMasq bool
		MTU    int
		IPAM   struct {
			Ranges [][]struct{ Subnet netip.Prefix }
		}
	}
	if err := json.Unmarshal(list.Plugins[0].Bytes, &ptp); err != nil {
		t.Fatal(err)
	}
	planned := in.Plan.Nodes[1].PodCIDRs
	if len(ptp.IPAM.Ranges) != 2 || ptp.IPAM.Ranges[0][0].Subnet != planned[0] || ptp.IPAM.Ranges[1][0].Subnet != planned[1] {
		t.Errorf("ranges are %v, the plan has %v", ptp.IPAM.Ranges, planned)
	}
	if ptp.IPMasq || ptp.MTU != 1500 {
		t.Errorf("ipMasq is %t, mtu is %d; want false, 1500", ptp.IPMasq, ptp.MTU)
	}
}
