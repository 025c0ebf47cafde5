package render

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"

	"github.com/dualstrap/dualstrap/api"
)

// hostsFile is a hosts.toml as containerd decodes it, with the fields that dualstrap sets.
type hostsFile struct {
	Host map[string]hostsEntry `toml:"host"`
}

type hostsEntry struct {
	Capabilities []string            `toml:"capabilities"`
	OverridePath bool                `toml:"override_path"`
	CA           string              `toml:"ca"`
	Header       map[string][]string `toml:"header"`
}

func TestRegistryMirrors(t *testing.T) {
	t.Parallel()
	pull := []string{"pull", "resolve"}
	all := hostsEntry{Capabilities: pull}
	tests := []struct {
		name    string
		mirrors []api.RegistryMirror
		want    map[string]hostsFile // by registry
	}{
		{"none", nil, map[string]hostsFile{}},
		{"for all", []api.RegistryMirror{{Endpoint: "https://m"}}, map[string]hostsFile{
			"_default": {Host: map[string]hostsEntry{"https://m": all}},
		}},
		{
			"one for all, one for quay.io",
			[]api.RegistryMirror{{Endpoint: "https://m"}, {Endpoint: "https://q", Hosts: []string{"quay.io"}}},
			map[string]hostsFile{
				"_default": {Host: map[string]hostsEntry{"https://m": all}},
				"quay.io":  {Host: map[string]hostsEntry{"https://m": all, "https://q": all}},
			},
		},
		{"for two registries", []api.RegistryMirror{{Endpoint: "https://m", Hosts: []string{"gcr.io", "localhost:5000"}}}, map[string]hostsFile{
			"gcr.io":         {Host: map[string]hostsEntry{"https://m": all}},
			"localhost:5000": {Host: map[string]hostsEntry{"https://m": all}},
		}},
		{
			"with everything",
			[]api.RegistryMirror{{Endpoint: "https://[fd12::9]:5000/v2/x", CACertPath: "/ca", PullCredentialConfigPath: "/c"}},
			map[string]hostsFile{"_default": {Host: map[string]hostsEntry{"https://[fd12::9]:5000/v2/x": {
				Capabilities: pull, OverridePath: true, CA: "/etc/containerd/mirror-ca/1.crt",
				Header: map[string][]string{"Authorization": {KnownAfterInit}},
			}}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := scenarioInput(t, "one-control-plane/offline")
			in.Config.RegistryMirrors = tt.mirrors
			got := map[string]hostsFile{}
			for _, file := range filesOf(t, in) {
				registry, isHosts := strings.CutSuffix(strings.TrimPrefix(file.Path, registryConfigPath+"/"), "/hosts.toml")
				if !isHosts {
					continue
				}
				var hosts hostsFile
				decoder := toml.NewDecoder(strings.NewReader(string(file.Content))).DisallowUnknownFields()
				if err := decoder.Decode(&hosts); err != nil {
					t.Fatalf("%v\n%s", err, file.Content)
				}
				got[registry] = hosts
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("mirrors (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMirrorsAreInOrder checks the order of mirrors in the file, in which containerd tries them.
func TestMirrorsAreInOrder(t *testing.T) {
	t.Parallel()
	content := contentOf(t, filesOf(t, scenarioInput(t, "three-control-planes-with-load-balancers/known")), "10.2.0.4",
		registryConfigPath+"/quay.io/hosts.toml")
	first, second := strings.Index(content, "10.2.0.200"), strings.Index(content, "fd12::3:c8")
	if first < 0 || second < first {
		t.Errorf("mirrors are not in the order of the manifests:\n%s", content)
	}
}

func TestContainerdInContainer(t *testing.T) {
	t.Parallel()
	in := scenarioInput(t, "one-control-plane/offline")
	in.Discovered.Hosts = map[netip.Addr]HostFacts{netip.MustParseAddr("10.2.0.5"): {Container: true}}
	files := filesOf(t, in)
	for host, want := range map[string]bool{"10.2.0.4": false, "10.2.0.5": true, "10.2.0.6": false} {
		content := contentOf(t, files, host, "/etc/containerd/config.toml")
		if got := strings.Contains(content, "restrict_oom_score_adj = true"); got != want {
			t.Errorf("host %s: restrict_oom_score_adj is %t, want %t", host, got, want)
		}
	}
}
