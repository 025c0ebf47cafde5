package render_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/internal/goldentest"
	"github.com/dualstrap/dualstrap/render"
)

// TestClusterGolden compares the manifests of every example with golden files, and those of one example also with facts
// about its hosts. Generated CRDs are listed by name only, because they are files of the repository.
func TestClusterGolden(t *testing.T) {
	t.Parallel()
	for _, name := range exampleNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := exampleInput(t, name)
			compareClusterGolden(t, name, in)
			if name == "ha" {
				compareClusterGolden(t, name+"-probed", probed(in, "node"))
			}
		})
	}
}

func compareClusterGolden(tb testing.TB, name string, in render.Input) {
	tb.Helper()
	files, err := render.Cluster(in)
	if err != nil {
		tb.Fatal(err)
	}
	var text bytes.Buffer
	for _, file := range files {
		fmt.Fprintf(&text, "-- %s %#o\n", file.Path, file.Mode)
		if !strings.HasSuffix(file.Path, "crds.yaml") {
			text.Write(file.Content)
		}
	}
	goldentest.Compare(tb, "testdata/cluster_"+name+".txt", text.Bytes())
}

func TestClusterFiles(t *testing.T) {
	t.Parallel()
	base := []string{"00-namespaces.yaml", "10-crds.yaml", "20-objects.yaml", "30-nodes.yaml", "40-controller.yaml"}
	metallb := []string{"70-metallb-crds.yaml", "71-metallb.yaml", "72-address-pools.yaml"}
	tests := map[string]struct {
		change func(*api.Config)
		want   []string
	}{
		"builtin network, bundled load balancer": {
			func(*api.Config) {}, slices.Concat(base, []string{"50-agent.yaml", "60-kube-dns.yaml"}, metallb),
		},
		"a network of the user's own": {
			func(c *api.Config) { c.Network.Builtin = false }, slices.Concat(base, []string{"60-kube-dns.yaml"}, metallb),
		},
		"a load balancer of the user's own": {
			func(c *api.Config) { c.LoadBalancer.Services = api.ServicesExternal },
			slices.Concat(base, []string{"50-agent.yaml", "60-kube-dns.yaml"}),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := exampleInput(t, "dual-stack")
			test.change(in.Config)
			files, err := render.Cluster(in)
			if err != nil {
				t.Fatal(err)
			}
			var paths []string
			for _, file := range files {
				paths = append(paths, file.Path)
				if file.Host != "" || len(file.Content) == 0 || file.Content[len(file.Content)-1] != '\n' {
					t.Errorf("%s: host %q, %d bytes", file.Path, file.Host, len(file.Content))
				}
			}
			if diff := cmp.Diff(test.want, paths); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

// TestClusterTwice checks that rendering one input twice, or two inputs of the same manifests, returns the same files.
func TestClusterTwice(t *testing.T) {
	t.Parallel()
	for _, name := range exampleNames() {
		in := exampleInput(t, name)
		var all [3][]render.File
		for i, input := range []render.Input{in, in, exampleInput(t, name)} {
			var err error
			if all[i], err = render.Cluster(input); err != nil {
				t.Fatal(err)
			}
		}
		if !cmp.Equal(all[0], all[1]) || !cmp.Equal(all[0], all[2]) {
			t.Errorf("%s is not rendered alike:\n%s%s", name, cmp.Diff(all[0], all[1]), cmp.Diff(all[0], all[2]))
		}
	}
}

// TestClusterDoesNotChangeItsInput checks that rendering leaves the manifests as they were.
func TestClusterDoesNotChangeItsInput(t *testing.T) {
	t.Parallel()
	in, untouched := exampleInput(t, "ha"), exampleInput(t, "ha")
	in.Config.Manifests.Clusters[0].Value.UID = "from-elsewhere"
	if _, err := render.Cluster(in); err != nil {
		t.Fatal(err)
	}
	if in.Config.Manifests.Clusters[0].Value.UID != "from-elsewhere" {
		t.Error("the Cluster of the manifests lost its uid")
	}
	if diff := cmp.Diff(untouched.Config.Pools[0].Labels, in.Config.Pools[0].Labels); diff != "" {
		t.Errorf("labels of a pool changed (-before +after):\n%s", diff)
	}
}

func TestClusterErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*render.Input)
		want   string
	}{
		"no plan": {
			func(in *render.Input) { in.Plan = nil },
			"neither configuration nor plan may be missing",
		},
		"another plan": {
			func(in *render.Input) { in.Plan.Nodes[1].Address = netip.MustParseAddr("10.2.0.9") },
			"it is not node 1 of the plan",
		},
		"no pod ranges": {
			func(in *render.Input) { in.Plan.Nodes[2].PodCIDRs = nil },
			"cannot use the pod ranges",
		},
		"a bad node name": {
			func(in *render.Input) {
				in.Discovered.Hosts[in.Plan.Nodes[0].Address] = render.HostFacts{NodeName: "a: b"}
			},
			`cannot use node name "a: b"`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := probed(exampleInput(t, "dual-stack"), "node")
			test.change(&in)
			files, err := render.Cluster(in)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%d files, error %v, want it to say %q", len(files), err, test.want)
			}
		})
	}
}

// TestClusterVersion checks the version in dualstrap's own workloads.
func TestClusterVersion(t *testing.T) {
	t.Parallel()
	in := exampleInput(t, "dual-stack")
	for version, image := range map[string]string{"": "dualstrap.dev/dualstrap:dev", "v1.2.3": "dualstrap.dev/dualstrap:v1.2.3"} {
		in.Version = version
		for _, path := range []string{"40-controller.yaml", "50-agent.yaml"} {
			if got := manifest(t, in, path); !strings.Contains(got, fmt.Sprintf("image: %q\n        imagePullPolicy: Never\n", image)) {
				t.Errorf("%s of version %q does not run %s, or pulls it:\n%s", path, version, image, got)
			}
		}
	}
}

// TestClusterAPIServer checks the address at which workloads reach the API server. It is not that of its Service, which
// does not work before kube-proxy runs.
func TestClusterAPIServer(t *testing.T) {
	t.Parallel()
	in := exampleInput(t, "dual-stack")
	in.Config.LoadBalancer.Port = 6443
	const host, port = "name: KUBERNETES_SERVICE_HOST\n          value: %q\n        - ", "name: KUBERNETES_SERVICE_PORT\n          value: %q\n"
	throughVIP := fmt.Sprintf(host+port, "10.2.0.175", "6443")
	tests := map[string]string{
		"40-controller.yaml": fmt.Sprintf(port, "6444"), // the API server on its own host
		"50-agent.yaml":      throughVIP,
		"71-metallb.yaml":    throughVIP,
	}
	for path, want := range tests {
		if got := manifest(t, in, path); !strings.Contains(got, want) {
			t.Errorf("%s does not say\n%s", path, want)
		}
	}
}

// TestClusterReplicas checks that there are never more controllers than control plane nodes, each of which has room for
// one.
func TestClusterReplicas(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"dual-stack": "replicas: 1\n", "ha": "replicas: 2\n"} {
		if got := manifest(t, exampleInput(t, name), "40-controller.yaml"); !strings.Contains(got, want) {
			t.Errorf("%s: the controller has not %s", name, want)
		}
	}
}

// TestMetalLBVersion compares the version of the images with that of the module from whose types the CRDs are
// generated.
func TestMetalLBVersion(t *testing.T) {
	t.Parallel()
	pin := "../bundle/build/pins/metallb-" + api.MetalLBVersion + "/mod"
	module, err := os.ReadFile(pin)
	if err != nil {
		t.Fatal(err)
	}
	if want := "go.universe.tf/metallb " + api.MetalLBVersion; !strings.Contains(string(module), want) {
		t.Errorf("%s does not require %s", pin, want)
	}
}
