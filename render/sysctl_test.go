package render

import (
	"net/netip"
	"strings"
	"testing"
)

const sysctlFile = "/etc/sysctl.d/90-dualstrap.conf"

// sysctlKeys returns the settings of a file by key. It fails the test on lines that are not settings.
func sysctlKeys(tb testing.TB, content string) map[string]string {
	tb.Helper()
	keys := map[string]string{}
	for line := range strings.Lines(content) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, isSetting := strings.Cut(line, " = ")
		if !isSetting || keys[key] != "" {
			tb.Errorf("%q is no setting, or the second of its key", line)
		}
		keys[key] = value
	}
	return keys
}

func TestSysctl(t *testing.T) {
	t.Parallel()
	always := []string{
		"net.ipv4.ip_forward = 1", "net.ipv6.conf.all.forwarding = 1", "net.ipv6.conf.default.forwarding = 1",
		"-net.ipv4.neigh.default.gc_thresh1 = 1024", "-net.ipv6.neigh.default.gc_thresh3 = 8192",
		"fs.inotify.max_user_instances = 8192", "fs.inotify.max_user_watches = 524288",
	}
	const (
		proxy    = "net.ipv6.conf.all.proxy_ndp"
		nonlocal = "net.ipv4.ip_nonlocal_bind"
		delay6   = "net/ipv6/neigh/eth0/proxy_delay"
		delay4   = "net/ipv4/neigh/eth0/proxy_delay"
		ra       = "net/ipv6/conf/eth0/accept_ra"
	)
	tests := []struct {
		scenario, host string
		has, hasNot    []string
	}{
		{"one-control-plane/known", "10.2.0.4", []string{proxy, nonlocal, delay6}, []string{delay4, ra}},
		{"one-control-plane/known", "10.2.0.5", []string{proxy, delay6}, []string{nonlocal, delay4, ra}},
		{"one-control-plane/known", "10.2.0.6", []string{proxy, delay6, ra}, []string{nonlocal, delay4}},
		{"one-control-plane/offline", "10.2.0.5", []string{proxy}, []string{delay6, ra}},
		{"flat-ipv4/known", "10.2.0.5", []string{proxy, delay6, delay4}, []string{nonlocal}},
		{"manual-load-balancer/known", "10.2.0.4", nil, []string{proxy, nonlocal, delay6}},
		{"three-control-planes-with-load-balancers/known", "10.2.0.4", []string{"net/ipv6/neigh/bond0.100/proxy_delay"}, []string{nonlocal}},
		{"three-control-planes-with-load-balancers/known", "10.2.0.7", []string{nonlocal}, nil},
	}
	for _, tt := range tests {
		files := filesOf(t, scenarioInput(t, tt.scenario))
		content := contentOf(t, files, tt.host, sysctlFile) + contentOf(t, files, tt.host, LimitsFile)
		keys := sysctlKeys(t, content)
		for _, line := range always {
			if !strings.Contains(content, line+"\n") {
				t.Errorf("%s, host %s: lacks %s", tt.scenario, tt.host, line)
			}
		}
		for _, key := range tt.has {
			if keys[key] == "" {
				t.Errorf("%s, host %s: does not set %s", tt.scenario, tt.host, key)
			}
		}
		for _, key := range tt.hasNot {
			if keys[key] != "" {
				t.Errorf("%s, host %s: sets %s", tt.scenario, tt.host, key)
			}
		}
	}
}

// TestSysctlOfUnknownInterface checks that the lines of an unknown interface are comments: for a reader, not for the
// kernel.
func TestSysctlOfUnknownInterface(t *testing.T) {
	t.Parallel()
	in := scenarioInput(t, "one-control-plane/offline")
	content := contentOf(t, filesOf(t, in), "10.2.0.5", sysctlFile)
	want := "# net/ipv6/neigh/" + KnownAfterProbe + "/proxy_delay = 0\n"
	if !strings.Contains(content, want) {
		t.Errorf("lacks %q:\n%s", want, content)
	}
	in.Discovered.Hosts = map[netip.Addr]HostFacts{netip.MustParseAddr("10.2.0.5"): {Interface: "eth0"}}
	if content := contentOf(t, filesOf(t, in), "10.2.0.5", sysctlFile); strings.Contains(content, KnownAfterProbe) {
		t.Errorf("has a placeholder although the interface is known:\n%s", content)
	}
}

func TestNeighbourLimits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		nodes, pods int
		want        neighbourLimits
	}{
		{3, 110, neighbourLimits{1024, 4096, 8192}},
		{262, 250, neighbourLimits{1024, 4096, 8192}},
		{263, 250, neighbourLimits{2048, 8192, 16384}},
		{5000, 250, neighbourLimits{16384, 65536, 131072}},
	} {
		if got := newNeighbourLimits(tt.nodes, tt.pods); got != tt.want {
			t.Errorf("%d nodes with %d pods each: %+v, want %+v", tt.nodes, tt.pods, got, tt.want)
		}
	}
}
