package facts

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// kubeletConfig is the beginning of the file that kubeadm writes.
const kubeletConfig = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ncpuManagerReconcilePeriod: 0s\n"

func TestParseKubelet(t *testing.T) {
	t.Parallel()
	defaults := DefaultKubelet()
	for name, test := range map[string]struct {
		content string
		want    *Kubelet
	}{
		"nothing":      {"", nil},
		"another kind": {"kind: Config\nmaxPods: 5\n", nil},
		"no YAML":      {"kind: [", nil},
		"a word":       {kubeletConfig + "maxPods: many\n", nil},
		"defaults":     {kubeletConfig, &defaults},
		"zeros": {
			kubeletConfig + "maxPods: 0\nregistryBurst: 0\nregistryPullQPS: 0\n",
			&Kubelet{MaxPods: 110, RegistryBurst: 10, SerializeImagePulls: true},
		},
		"all": {
			kubeletConfig + "maxPods: 250\nregistryBurst: 20\nregistryPullQPS: 17\nserializeImagePulls: false\nseccompDefault: true\n" +
				"serverTLSBootstrap: true\n",
			&Kubelet{MaxPods: 250, RegistryBurst: 20, RegistryPullQPS: 17, SeccompDefault: true, ServerTLSBootstrap: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, ParseKubelet(test.content)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeKubelet(t *testing.T) {
	t.Parallel()
	answer := healthyAnswer(t)
	var lines strings.Builder
	lines.Write(answer.Values["lines"].Output)
	for line := range strings.Lines(kubeletConfig + "maxPods: 250\n") {
		lines.WriteString("/var/lib/kubelet/config.yaml:" + line)
	}
	lines.WriteString(`/var/lib/kubelet/kubeadm-flags.env:` +
		`KUBELET_KUBEADM_ARGS="--node-ip=10.2.0.4,fd12::2:4 --provider-id=baremetal://10.2.0.4"` + "\n")
	answer.Values["lines"] = remote.Value{Output: []byte(lines.String())}
	facts, err := decode(answer, at())
	want := DefaultKubelet()
	want.MaxPods, want.NodeIPs = 250, []netip.Addr{netip.MustParseAddr("10.2.0.4"), netip.MustParseAddr("fd12::2:4")}
	if diff := cmp.Diff(&want, facts.Kubelet, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
