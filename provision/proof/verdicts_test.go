package proof

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go4.org/netipx"
	corev1 "k8s.io/api/core/v1"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/kube"
)

func addresses(text string) []netip.Addr {
	var all []netip.Addr
	for word := range strings.FieldsSeq(text) {
		all = append(all, netip.MustParseAddr(word))
	}
	return all
}

func prefixes(text string) []netip.Prefix {
	var all []netip.Prefix
	for word := range strings.FieldsSeq(text) {
		all = append(all, netip.MustParsePrefix(word))
	}
	return all
}

// expect checks a verdict's status, and that its message contains words.
func expect(t *testing.T, what string, got verdict, status Status, words string) {
	t.Helper()
	if got.status != status || !strings.Contains(got.message, words) {
		t.Errorf("%s: %s: %s; want %s with %q", what, got.status, got.message, status, words)
	}
}

func TestCheckPodCIDRs(t *testing.T) {
	t.Parallel()
	cfg := &api.Config{CIDRConfigs: []api.CIDRConfig{{
		Name: "ranges",
		IPv4: api.CIDRRange{CIDR: netip.MustParsePrefix("192.168.0.0/16"), PerNodeMaskSize: 24},
		IPv6: api.CIDRRange{CIDR: netip.MustParsePrefix("fd12::1:0/112"), PerNodeMaskSize: 120},
	}}}
	for _, tt := range []struct {
		name, got, plan, config, other string
		status                         Status
		words                          string
	}{
		{"as planned", "192.168.1.0/24 fd12::1:100/120", "", "ranges", "192.168.2.0/24 fd12::1:200/120", Passed, "from ranges"},
		{"IPv4 alone", "192.168.1.0/24", "192.168.1.0/24 fd12::1:100/120", "ranges", "", Failed, "it has 192.168.1.0/24, and the plan says"},
		{"none", "", "192.168.1.0/24 fd12::1:100/120", "ranges", "", Failed, "it has none"},
		{"IPv6 first", "fd12::1:100/120 192.168.1.0/24", "192.168.1.0/24 fd12::1:100/120", "ranges", "", Failed, "the plan says"},
		{"held from nowhere", "10.0.1.0/24 fd12::1:100/120", "", "", "", Failed, "not from any ClusterCIDRConfig"},
		{"held from beside", "10.0.1.0/24 fd12::1:100/120", "", "ranges", "", Failed, "10.0.1.0/24 is not a block of 192.168.0.0/16"},
		{"held of another size", "192.168.1.0/24 fd12::1:100/121", "", "ranges", "", Failed, "fd12::1:100/121 is not a block"},
		{"shared", "192.168.1.0/24 fd12::1:100/120", "", "ranges", "192.168.1.128/25", Failed, "node other has 192.168.1.128/25, too"},
	} {
		plan := tt.plan
		if plan == "" {
			plan = tt.got
		}
		live := kube.Node{Name: "self", PodCIDRs: prefixes(tt.got)}
		n := &node{live: &live, plan: &api.PlanNode{PodCIDRs: prefixes(plan), ClusterCIDRConfig: tt.config}}
		present := []kube.Node{live, {Name: "other", PodCIDRs: prefixes(tt.other)}}
		expect(t, tt.name, checkPodCIDRs(n, cfg, present), tt.status, tt.words)
	}
}

func TestCheckNode(t *testing.T) {
	t.Parallel()
	expect(t, "ready", checkReady(&kube.Node{Name: "n", Ready: true}), Passed, "node n is ready")
	expect(t, "not ready", checkReady(&kube.Node{Name: "n", Why: "no CNI"}), Failed, "no CNI")
	want := addresses("10.2.0.4 fd12::2:4")
	expect(t, "addresses", checkAddresses(addresses("10.2.0.4 fd12::2:4"), want), Passed, "10.2.0.4 and fd12::2:4")
	expect(t, "one address", checkAddresses(addresses("10.2.0.4"), want), Failed, "should be 10.2.0.4 and fd12::2:4")
	expect(t, "IPv6 first", checkAddresses(addresses("fd12::2:4 10.2.0.4"), want), Failed, "should be")
	expect(t, "id", checkProviderID("baremetal://10.2.0.4", want[0]), Passed, "")
	expect(t, "no id", checkProviderID("", want[0]), Failed, `should be "baremetal://10.2.0.4"`)
	labels := map[string]string{"a": "1", "b": "2"}
	expect(t, "labels", checkLabels(map[string]string{"a": "1", "b": "2", "c": "3"}, labels), Passed, "2 labels")
	expect(t, "wrong labels", checkLabels(map[string]string{"a": "0"}, labels), Failed, `a is "0", and should be "1"; b is missing`)
}

func TestCheckPod(t *testing.T) {
	t.Parallel()
	live := &kube.Node{PodCIDRs: prefixes("192.168.1.0/24 fd12::1:100/120")}
	for _, tt := range []struct {
		name   string
		pod    kube.Pod
		status Status
		words  string
	}{
		{"both", kube.Pod{Ready: true, Addresses: addresses("192.168.1.2 fd12::1:102")}, Passed, "192.168.1.2 and fd12::1:102"},
		{"one", kube.Pod{Ready: true, Addresses: addresses("192.168.1.2")}, Failed, "should have an address of each family"},
		{"two of one family", kube.Pod{Ready: true, Addresses: addresses("192.168.1.2 192.168.1.3")}, Failed, "an address of each family"},
		{"elsewhere", kube.Pod{Ready: true, Addresses: addresses("192.168.1.2 fd12::1:202")}, Failed, "fd12::1:202 is in none"},
		{"waiting", kube.Pod{Why: "hello: ErrImageNeverPull"}, Failed, "ErrImageNeverPull"},
	} {
		expect(t, tt.name, checkPod(&node{live: live, pod: tt.pod}), tt.status, tt.words)
	}
}

func TestCheckSource(t *testing.T) {
	t.Parallel()
	pod, host, other := netip.MustParseAddr("192.168.1.2"), netip.MustParseAddr("10.2.0.5"), netip.MustParseAddr("10.2.0.100")
	call := func(seen netip.Addr, want ...netip.Addr) source {
		return source{from: pod, to: other, seen: seen, want: want}
	}
	expect(t, "flat", checkSource(call(pod, pod), nil), Passed, "192.168.1.2 called 10.2.0.100")
	expect(t, "island", checkSource(call(host, host), nil), Passed, "192.168.1.2 called 10.2.0.100 as 10.2.0.5")
	expect(t, "translated", checkSource(call(host, pod), nil), Failed, "saw 10.2.0.5 instead of 192.168.1.2")
	silence := checkSource(call(netip.Addr{}, pod), errors.New("no answer"))
	expect(t, "silence", silence, Failed, "192.168.1.2 cannot call 10.2.0.100: no answer")
	refused := &remote.Error{Op: "cannot connect", Reason: remote.ErrProtocol, HintText: "allow it"}
	got := checkSource(call(netip.Addr{}, pod), refused)
	expect(t, "no forwarding", got, Skipped, "cannot connect")
	if got.hint != "allow it" {
		t.Errorf("hint %q", got.hint)
	}
}

func TestCheckFamilies(t *testing.T) {
	t.Parallel()
	four, six := prefixes("172.16.0.0/20 fd12::5:0/116"), prefixes("fd12::5:0/116 172.16.0.0/20")
	for _, tt := range []struct {
		policy string
		ranges []netip.Prefix
		got    string
		status Status
	}{
		{singleStack, four, "172.16.0.1", Passed},
		{singleStack, six, "fd12::5:1", Passed},
		{singleStack, six, "172.16.0.1", Failed},
		{singleStack, four, "172.16.0.1 fd12::5:1", Failed},
		{preferDualStack, four, "172.16.0.1 fd12::5:1", Passed},
		{preferDualStack, six, "fd12::5:1 172.16.0.1", Passed},
		{preferDualStack, four, "172.16.0.1", Failed},
		{requireDualStack, four, "fd12::5:1 172.16.0.1", Passed},
		{requireDualStack, six, "fd12::5:1 172.16.0.1", Passed},
		{requireDualStack, four, "172.16.0.1 fd12::5:1", Failed},
		{requireDualStack, four, "fd12::9:1 172.16.0.1", Failed},
		{requireDualStack, four, "", Failed},
	} {
		expect(t, tt.policy+" "+tt.got, checkFamilies(tt.policy, addresses(tt.got), tt.ranges), tt.status, "")
	}
}

func TestCheckRecords(t *testing.T) {
	t.Parallel()
	server, want := netip.MustParseAddr("172.16.0.10"), addresses("fd12::5:1 172.16.0.1")
	both := [2][]netip.Addr{addresses("172.16.0.1"), addresses("fd12::5:1")}
	expect(t, "both", checkRecords(server, both, want), Passed, "A and AAAA")
	both[1] = nil
	expect(t, "one", checkRecords(server, both, want), Failed, "the IPv6 address none, and should give fd12::5:1")
	both[1] = addresses("fd12::5:2")
	expect(t, "another", checkRecords(server, both, want), Failed, "fd12::5:2")
}

func TestCheckRPFilter(t *testing.T) {
	t.Parallel()
	host := func(active, running bool, set string) *facts.Host {
		return &facts.Host{
			Units:     map[string]facts.Unit{"firewalld": {Active: active}},
			Firewalld: facts.Firewalld{RPFilter: set, RPFilterRunning: running},
		}
	}
	expect(t, "off", checkRPFilter(host(true, false, "no")), Passed, "IPv6_rpfilter is no")
	expect(t, "in the file", checkRPFilter(host(true, false, "yes")), Failed, "next start")
	expect(t, "in the rules", checkRPFilter(host(true, true, "no")), Failed, "running rules")
	expect(t, "no firewalld", checkRPFilter(host(false, false, "yes")), Passed, "does not run")
}

func TestPoolFamilies(t *testing.T) {
	t.Parallel()
	pool := func(manual bool, ranges ...string) api.AddressPool {
		p := api.AddressPool{ManualAssign: manual}
		for _, r := range ranges {
			p.Addresses = append(p.Addresses, netipx.MustParseIPRange(r))
		}
		return p
	}
	const four, six = "10.2.0.212-10.2.0.221", "fd12::4:101-fd12::4:110"
	for _, tt := range []struct {
		name  string
		pools []api.AddressPool
		want  []corev1.IPFamily
	}{
		{"none", nil, nil},
		{"both", []api.AddressPool{pool(false, four, six)}, []corev1.IPFamily{"IPv6", "IPv4"}},
		{"one after the other", []api.AddressPool{pool(false, four), pool(false, six, four)}, []corev1.IPFamily{"IPv6", "IPv4"}},
		{"apart", []api.AddressPool{pool(false, four), pool(false, six)}, []corev1.IPFamily{"IPv4"}},
		{"manual", []api.AddressPool{pool(true, four, six)}, nil},
	} {
		if diff := cmp.Diff(tt.want, poolFamilies(tt.pools)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestCombine(t *testing.T) {
	t.Parallel()
	fine, left, wrong := passed("fine"), skipped("left"), failed("wrong").withHint("mend it")
	expect(t, "all fine", combine(fine, passed("too")), Passed, "fine; too")
	expect(t, "nothing at all", combine(), Failed, "nothing to call")
	expect(t, "one left out", combine(fine, left), Skipped, "left")
	got := combine(fine, wrong, left, wrong)
	expect(t, "one wrong", got, Failed, "wrong; wrong")
	if got.hint != "mend it" {
		t.Errorf("hint %q", got.hint)
	}
}

func TestCheckBalancerPods(t *testing.T) {
	t.Parallel()
	run := func(name string) kube.Pod { return kube.Pod{Name: name, Ready: true} }
	turnedDown := kube.Pod{Name: "keepalived-a", Why: "Pod was rejected: there is no room"}
	for want, pods := range map[string][]kube.Pod{
		"":                          {run("keepalived-a"), run("haproxy-a")},
		"there is no pod haproxy-a": {run("haproxy-b"), run("keepalived-a")},
		"keepalived-a does not run: Pod was rejected: there is no room": {run("haproxy-a"), turnedDown, run("keepalived-b")},
		"haproxy-a does not run: nothing says why":                      {{Name: "haproxy-a"}, run("keepalived-a")},
	} {
		err := checkBalancerPods(pods, "a")
		if got := fmt.Sprint(err); err != nil && got != want || err == nil && want != "" {
			t.Errorf("%v: %v, want %q", pods, err, want)
		}
	}
}
