package api_test

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dualstrap/dualstrap/api"
)

// FuzzResolve changes the manifests of testdata. The result must be complete or have reasons.
func FuzzResolve(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join("testdata", "*", "*.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		manifests, found := api.Parse([]api.Source{{Name: "fuzz.yaml", Data: data}})
		config, problems := api.Resolve(manifests)
		for _, p := range problems {
			if p.Message == "" || p.Rule == "" || p.Line < 0 || p.Severity != api.SeverityError && p.Severity != api.SeverityWarning {
				t.Errorf("incomplete problem %+v", p)
			}
		}
		switch {
		case config == nil && !problems.HasErrors() && !found.HasErrors():
			t.Error("refused without a reason")
		case config != nil && problems.HasErrors():
			t.Error("accepted in spite of errors")
		case config != nil:
			checkSound(t, config)
		}
	})
}

// checkSound checks the invariants on which users of a Config rely.
func checkSound(t *testing.T, config *api.Config) {
	t.Helper()
	if config.Name == "" || config.Namespace == "" || config.Kubernetes.Kubernetes == "" || config.Pools[0].Role != api.RoleControlPlane {
		t.Errorf("incomplete: %+v", config)
	}
	if s := config.Network.Services; len(s) != 2 || s[0].Addr().Is4() == s[1].Addr().Is4() {
		t.Errorf("services %v", s)
	}
	if config.Network.FlatIPv4 == config.Network.Pods.IsValid() {
		t.Errorf("flat %v, pods %v", config.Network.FlatIPv4, config.Network.Pods)
	}
	if lb := config.LoadBalancer; !lb.ControlPlaneVIP.Is4() || lb.Port < 1 || lb.Port > 65535 {
		t.Errorf("load balancer %+v", lb)
	}
	for _, c := range config.CIDRConfigs {
		if !c.IPv4.CIDR.Addr().Is4() || !c.IPv6.CIDR.Addr().Is6() || 32-c.IPv4.PerNodeMaskSize != 128-c.IPv6.PerNodeMaskSize {
			t.Errorf("ClusterCIDRConfig %+v", c)
		}
	}
	seen := map[netip.Addr]bool{}
	for _, p := range config.Pools {
		for _, n := range p.Nodes {
			if !n.Address.Is4() || !n.K8sIP.Is4() || seen[n.Address] {
				t.Errorf("node %+v", n)
			}
			seen[n.Address] = true
		}
	}
}

// TestResolveWithoutALine checks that a manifest without any one of its lines is refused with a reason, or sound.
func TestResolveWithoutALine(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"documentation-example.yaml", "options.yaml", "high-availability.yaml", "full-google-manifest.yaml"} {
		lines := bytes.SplitAfter(readSources(t, filepath.Join("testdata", "valid", name))[0].Data, []byte("\n"))
		for i := range lines {
			data := bytes.Join(slices.Delete(slices.Clone(lines), i, i+1), nil)
			config, problems := parseAndResolve(api.Source{Name: name, Data: data})
			switch {
			case config == nil && !problems.HasErrors():
				t.Errorf("%s without line %d is refused without a reason", name, i+1)
			case config != nil && !problems.HasErrors():
				checkSound(t, config)
			}
		}
	}
}
