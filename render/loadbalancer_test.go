package render

import (
	"net/netip"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

func TestWhereTheLoadBalancerRuns(t *testing.T) {
	t.Parallel()
	onControlPlane := scenarioInput(t, "three-control-planes-with-load-balancers/known")
	onControlPlane.Config.LoadBalancer.ControlPlaneOnControlPlane = true
	tests := []struct {
		name string
		in   Input
		want []string
	}{
		{"one control plane", scenarioInput(t, "one-control-plane/known"), []string{"10.2.0.4"}},
		{"pool", scenarioInput(t, "three-control-planes-with-load-balancers/known"), []string{"10.2.0.7", "10.2.0.8"}},
		{"pool for Services only", onControlPlane, []string{"10.2.0.4", "10.2.0.5", "10.2.0.6"}},
		{"manual", scenarioInput(t, "manual-load-balancer/known"), nil},
	}
	for _, tt := range tests {
		files := map[string][]string{}
		for _, file := range filesOf(t, tt.in) {
			if strings.HasPrefix(file.Path, StaticPods) || strings.HasPrefix(file.Path, loadBalancerDir) {
				files[path.Base(file.Path)] = append(files[path.Base(file.Path)], file.Host)
			}
		}
		for _, name := range []string{"keepalived.conf", "haproxy.cfg", "check-haproxy", "passwd", "keepalived.yaml", "haproxy.yaml"} {
			if diff := cmp.Diff(tt.want, files[name]); diff != "" {
				t.Errorf("%s: hosts with %s (-want +got):\n%s", tt.name, name, diff)
			}
		}
	}
}

func TestKeepalived(t *testing.T) {
	t.Parallel()
	in := scenarioInput(t, "three-control-planes-with-load-balancers/known")
	in.Config.LoadBalancer.ControlPlaneOnControlPlane = true
	hosts, err := resolveHosts(in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := newHostRenderer(in, hosts)
	if err != nil {
		t.Fatal(err)
	}
	ip := netip.MustParseAddr
	tests := []struct {
		priority int
		address  netip.Addr
		nic      string
		peers    []netip.Addr
	}{
		{250, ip("10.2.0.4"), "bond0.100", []netip.Addr{ip("10.2.0.5"), ip("10.2.0.6")}},
		{249, ip("10.2.0.5"), "eth0", []netip.Addr{ip("10.2.0.4"), ip("10.2.0.6")}},
		{248, ip("10.2.0.6"), "eth0", []netip.Addr{ip("10.2.0.4"), ip("10.2.0.5")}},
	}
	for i, tt := range tests {
		got := r.keepalived(&hosts[i])
		want := keepalivedData{
			VIP: ip("10.2.0.175"), GARPRepeat: 5, CheckScript: "/etc/keepalived/check-haproxy", Standback: 100,
			Interface: tt.nic, VirtualRouterID: 175, Priority: tt.priority, Address: tt.address, Peers: tt.peers,
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("node %d (-want +got):\n%s", i, diff)
		}
	}
}

// TestPriorities checks that a node that reaches an API server precedes every node that does not, however many nodes
// there are.
func TestPriorities(t *testing.T) {
	t.Parallel()
	config := oneControlPlane()
	config.Pools[0].Nodes = nil
	for i := range 120 {
		address := netip.AddrFrom4([4]byte{10, 2, 1, byte(i)})
		node := nodes(0)[0]
		node.Address, node.K8sIP = address, address
		config.Pools[0].Nodes = append(config.Pools[0].Nodes, node)
	}
	in := Input{Config: config, Plan: planOf(t, config)}
	hosts, err := resolveHosts(in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := newHostRenderer(in, hosts)
	if err != nil {
		t.Fatal(err)
	}
	last := 255
	for i := range 120 {
		priority := r.keepalived(&hosts[i]).Priority
		if priority > last || i < 100 && priority == last {
			t.Errorf("node %d has priority %d after %d", i, priority, last)
		}
		if priority <= topPriority-standback {
			t.Errorf("node %d has priority %d, no more than the first one has without an API server", i, priority)
		}
		last = priority
	}
}

func TestVirtualRouterID(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]int{
		"10.2.0.175": 175, "10.2.0.1": 1, "10.2.0.255": 255, "10.2.1.0": 255, "fd12::4:7f": 127, "fd12::4:100": 255,
	} {
		if got := virtualRouterID(netip.MustParseAddr(address)); got != want {
			t.Errorf("virtualRouterID(%s) = %d, want %d", address, got, want)
		}
	}
	if got := virtualRouterID(netip.Addr{}); got != 255 {
		t.Errorf("virtualRouterID of no address = %d, want 255", got)
	}
}

func TestStaticPodsHaveLeastRights(t *testing.T) {
	t.Parallel()
	files := filesOf(t, scenarioInput(t, "one-control-plane/known"))
	for name, want := range map[string][]corev1.Capability{
		"keepalived": {"NET_ADMIN", "NET_BROADCAST", "NET_RAW", "SETGID", "SETUID"},
		"haproxy":    {"NET_BIND_SERVICE", "SETGID", "SETUID"},
	} {
		var pod corev1.Pod
		content := contentOf(t, files, "10.2.0.4", StaticPods+"/"+name+".yaml")
		if err := yaml.UnmarshalStrict([]byte(content), &pod); err != nil {
			t.Fatal(err)
		}
		container := pod.Spec.Containers[0]
		rights := container.SecurityContext
		if diff := cmp.Diff(want, rights.Capabilities.Add); diff != "" {
			t.Errorf("%s: capabilities (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff([]corev1.Capability{"ALL"}, rights.Capabilities.Drop); diff != "" {
			t.Errorf("%s: dropped capabilities (-want +got):\n%s", name, diff)
		}
		if *rights.AllowPrivilegeEscalation || !*rights.ReadOnlyRootFilesystem || rights.Privileged != nil {
			t.Errorf("%s: security context is %+v", name, rights)
		}
		if container.ImagePullPolicy != corev1.PullNever || !pod.Spec.HostNetwork || pod.Spec.PriorityClassName != "system-node-critical" {
			t.Errorf("%s: pod is %+v", name, pod.Spec)
		}
	}
}

// TestConfigHash checks that a static pod restarts if and only if one of its files changes.
func TestConfigHash(t *testing.T) {
	t.Parallel()
	pods := func(in Input) [2]string {
		files := filesOf(t, in)
		return [2]string{
			contentOf(t, files, "10.2.0.4", StaticPods+"/keepalived.yaml"),
			contentOf(t, files, "10.2.0.4", StaticPods+"/haproxy.yaml"),
		}
	}
	before := scenarioInput(t, "one-control-plane/known")
	tests := []struct {
		name                string
		change              func(*Input)
		keepalived, haproxy bool
	}{
		{"nothing", func(*Input) {}, false, false},
		{"more gratuitous ARP", func(in *Input) { in.Config.LoadBalancer.GARPRepeat = 9 }, true, false},
		{"another port", func(in *Input) { in.Config.LoadBalancer.Port = 8443 }, false, true},
		{"another VIP", func(in *Input) { in.Config.LoadBalancer.ControlPlaneVIP = netip.MustParseAddr("10.2.0.176") }, true, true},
		{"another cluster name", func(in *Input) { in.Config.Name = "other" }, false, false},
	}
	for _, tt := range tests {
		in := scenarioInput(t, "one-control-plane/known")
		tt.change(&in)
		was, is := pods(before), pods(in)
		if got := was[0] != is[0]; got != tt.keepalived {
			t.Errorf("%s: keepalived's pod changes: %t, want %t", tt.name, got, tt.keepalived)
		}
		if got := was[1] != is[1]; got != tt.haproxy {
			t.Errorf("%s: haproxy's pod changes: %t, want %t", tt.name, got, tt.haproxy)
		}
	}
	offline := pods(scenarioInput(t, "one-control-plane/offline"))
	if !strings.Contains(offline[0], `config-sha256: "`+KnownAfterProbe) {
		t.Errorf("the hash of a configuration with placeholders is none:\n%s", offline[0])
	}
}
