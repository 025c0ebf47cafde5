package api_test

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dualstrap/dualstrap/api"
)

// resolveValid resolves a valid manifest of testdata.
func resolveValid(t *testing.T, name string) *api.Config {
	t.Helper()
	config, problems := parseAndResolve(readSources(t, filepath.Join("testdata", "valid", name))...)
	if config == nil {
		t.Fatalf("%s is refused:\n%s", name, withHints(problems))
	}
	return config
}

// withoutPlaces compares the content of manifests regardless of positions.
func withoutPlaces() cmp.Options {
	return cmp.Options{
		cmpopts.IgnoreTypes(api.Ref{}),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	}
}

func TestResolveDocumentationExample(t *testing.T) {
	t.Parallel()
	got := resolveValid(t, "documentation-example.yaml")
	node := func(a string) api.Node {
		return api.Node{Address: netip.MustParseAddr(a), K8sIP: netip.MustParseAddr(a)}
	}
	want := []api.Pool{
		{Name: "dual-stack", Role: api.RoleControlPlane, Nodes: []api.Node{node("10.2.0.4")}},
		{Name: "workers", Role: api.RoleWorker, Nodes: []api.Node{node("10.2.0.5"), node("10.2.0.6")}},
	}
	if diff := cmp.Diff(want, got.Pools, withoutPlaces()); diff != "" {
		t.Errorf("pools (-want +got):\n%s", diff)
	}
	network := api.Network{
		Pods:     netip.MustParsePrefix("192.168.0.0/16"),
		Services: []netip.Prefix{netip.MustParsePrefix("172.16.0.0/20"), netip.MustParsePrefix("fd12::5:0/116")},
		Builtin:  true,
	}
	if diff := cmp.Diff(network, got.Network, withoutPlaces()); diff != "" {
		t.Errorf("network (-want +got):\n%s", diff)
	}
	configs := []api.CIDRConfig{{
		Name: "cluster-wide-ranges",
		IPv4: api.CIDRRange{CIDR: netip.MustParsePrefix("192.168.0.0/16"), PerNodeMaskSize: 24},
		IPv6: api.CIDRRange{CIDR: netip.MustParsePrefix("fd12::1:0/112"), PerNodeMaskSize: 120},
	}}
	if diff := cmp.Diff(configs, got.CIDRConfigs, withoutPlaces()); diff != "" {
		t.Errorf("ClusterCIDRConfigs (-want +got):\n%s", diff)
	}
	lb := got.LoadBalancer
	if lb.ControlPlane != api.ControlPlaneKeepalived || lb.Services != api.ServicesLayer2 {
		t.Errorf("balancers %q and %q", lb.ControlPlane, lb.Services)
	}
	if lb.Port != 443 || lb.ControlPlaneVIP.String() != "10.2.0.175" || lb.IngressVIP.String() != "10.2.0.212" {
		t.Errorf("load balancer %+v", lb)
	}
	if len(lb.Pools) != 1 || len(lb.Pools[0].Addresses) != 2 || lb.Pools[0].Addresses[0].String() != "10.2.0.212-10.2.0.221" {
		t.Errorf("address pools %+v", lb.Pools)
	}
}

func TestResolveDefaults(t *testing.T) {
	t.Parallel()
	got := resolveValid(t, "documentation-example.yaml")
	if got.MaxPodsPerNode != 110 || got.LoadBalancer.GARPRepeat != 5 || got.Kubernetes.Kubernetes != "v1.36.3" {
		t.Errorf("max pods %d, ARP repeat %d, Kubernetes %s", got.MaxPodsPerNode, got.LoadBalancer.GARPRepeat, got.Kubernetes.Kubernetes)
	}
	if got.SSH != (api.SSH{}) || got.VerifyClient.IsValid() || got.AllowCgroupV1 || got.SeccompDefault {
		t.Errorf("set without being asked for: %+v, %v, %v, %v", got.SSH, got.VerifyClient, got.AllowCgroupV1, got.SeccompDefault)
	}
}

func TestResolveOptions(t *testing.T) {
	t.Parallel()
	got := resolveValid(t, "options.yaml")
	want := api.SSH{
		User: "admin", Port: 2222, PrivateKeyPath: "/root/.ssh/id_ed25519", KnownHostsPath: "/root/.ssh/known_hosts",
		AcceptNew: true, ProxyJump: "admin@jump.example.com:22",
	}
	if diff := cmp.Diff(want, got.SSH); diff != "" {
		t.Errorf("SSH (-want +got):\n%s", diff)
	}
	if got.Network.Builtin || !got.AllowCgroupV1 || got.Bundle != "/srv/bundle" || got.VerifyClient != netip.MustParseAddr("fd12::3:1") {
		t.Errorf("builtin %v, cgroup v1 %v, bundle %q, client %v", got.Network.Builtin, got.AllowCgroupV1, got.Bundle, got.VerifyClient)
	}
	if got.BundleSHA256 != strings.Repeat("0a", 32) || got.BundleAllowedSigners != "/srv/allowed_signers" {
		t.Errorf("the bundle's digest is %q, its signers %q", got.BundleSHA256, got.BundleAllowedSigners)
	}
	if len(got.RegistryMirrors) != 1 || len(got.RegistryMirrors[0].Hosts) != 2 {
		t.Errorf("registry mirrors %+v", got.RegistryMirrors)
	}
	worker := got.Pools[1].Nodes[0]
	if worker.IPv6 != netip.MustParseAddr("fd12::2:5") || worker.Interface != "bond0.100" {
		t.Errorf("node %+v", worker)
	}
	if other := got.Pools[1].Nodes[1]; other.IPv6.IsValid() || other.Interface != "" {
		t.Errorf("the options of another node are at %+v", other)
	}
}

func TestResolveSSHOfOtherDocuments(t *testing.T) {
	t.Parallel()
	got := resolveValid(t, "options-ssh-twice.yaml")
	if got.SSH.User != "admin" || got.SSH.PrivateKeyPath != "/root/.ssh/id_ed25519" {
		t.Errorf("ProvisionOptions does not win: %+v", got.SSH)
	}
	if got := resolveValid(t, "full-google-manifest.yaml"); got.SSH.PrivateKeyPath != "/root/.ssh/id_rsa" {
		t.Errorf("the header's key is not taken: %+v", got.SSH)
	}
}

func TestResolveHighAvailability(t *testing.T) {
	t.Parallel()
	got := resolveValid(t, "high-availability.yaml")
	var pools []string
	for _, p := range got.Pools {
		pools = append(pools, string(p.Role)+" "+p.Name)
	}
	if want := []string{"control-plane dual-stack", "load-balancer dual-stack-lb", "worker workers"}; !slices.Equal(pools, want) {
		t.Errorf("pools %q, want %q", pools, want)
	}
	if !got.LoadBalancer.ControlPlaneOnControlPlane || got.LoadBalancer.GARPRepeat != 1 || len(got.APIServerCertExtraSANs) != 4 {
		t.Errorf("load balancer %+v, names %q", got.LoadBalancer, got.APIServerCertExtraSANs)
	}
}

func TestResolveModes(t *testing.T) {
	t.Parallel()
	if got := resolveValid(t, "flat-ipv4-pods-given.yaml"); got.Network.Pods.IsValid() || !got.Network.FlatIPv4 {
		t.Errorf("flat IPv4: %+v", got.Network)
	}
	manual := resolveValid(t, "manual-load-balancer.yaml")
	lb := manual.LoadBalancer
	if lb.ControlPlane != api.ControlPlaneExternal || lb.Services != api.ServicesExternal || manual.APIServerPort() != 6443 {
		t.Errorf("manual: %+v", lb)
	}
	if got := resolveValid(t, "api-server-port-6443.yaml"); got.APIServerPort() != 6444 {
		t.Errorf("API server on port %d", got.APIServerPort())
	}
	if got := resolveValid(t, "services-ipv6-first.yaml"); !got.Network.Services[0].Addr().Is6() {
		t.Errorf("services are not in file order: %v", got.Network.Services)
	}
	if got := resolveValid(t, "version-google.yaml"); got.Kubernetes.Kubernetes != "v1.37.2" {
		t.Errorf("Kubernetes %s", got.Kubernetes.Kubernetes)
	}
	if got := resolveValid(t, "k8s-ip.yaml").Pools[1].Nodes[0]; got.K8sIP != netip.MustParseAddr("10.3.0.5") {
		t.Errorf("node %+v", got)
	}
}

func TestResolveEmpty(t *testing.T) {
	t.Parallel()
	config, problems := api.Resolve(&api.Manifests{})
	if config != nil || !problems.HasErrors() {
		t.Errorf("no manifests give %v and %v", config, problems)
	}
}

// TestResolveIncomplete checks that no object counts as missing while a document is unreadable.
func TestResolveIncomplete(t *testing.T) {
	t.Parallel()
	config, problems := api.Resolve(&api.Manifests{Incomplete: true})
	if config != nil || len(problems) > 0 {
		t.Errorf("incomplete manifests give %v and %v", config, problems)
	}
}

// TestResolveAfterDecoderError checks that an error of the decoder alone prevents a Config: the field has no value.
func TestResolveAfterDecoderError(t *testing.T) {
	t.Parallel()
	source := readSources(t, filepath.Join("testdata", "valid", "documentation-example.yaml"))[0]
	source.Data = []byte(strings.Replace(string(source.Data), "controlPlaneLBPort: 443", "controlPlaneLBPort: https", 1))
	manifests, found := api.Parse([]api.Source{source})
	config, problems := api.Resolve(manifests)
	if config != nil || !found.HasErrors() {
		t.Errorf("got a Config with port %d", config.LoadBalancer.Port)
	}
	if len(problems) > 0 {
		t.Errorf("the rules report it again:\n%s", withHints(problems))
	}
}
