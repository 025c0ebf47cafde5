package firewalld_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
)

type (
	sections = map[string]firewalld.Section
	items    = []firewalld.Item
)

func zones(s sections) firewalld.Config { return firewalld.Config{Zones: s} }

func TestMissing(t *testing.T) {
	t.Parallel()
	port := firewalld.Change{Kind: firewalld.AddPort, Value: "10250/tcp"}
	zone := firewalld.Change{Kind: firewalld.NewZone, Value: "pods"}
	source := firewalld.Change{Kind: firewalld.AddSource, Zone: "pods", Value: "fd12::1:0/112"}
	target := firewalld.Change{Kind: firewalld.SetTarget, Zone: "pods", Value: "ACCEPT"}
	empty := zones(sections{"public": {}})
	open := zones(sections{"public": {Items: items{{Option: "--add-port", Value: "10250/tcp"}}}})
	tests := []struct {
		name               string
		permanent, runtime firewalld.Config
		changes            []firewalld.Change
		want               firewalld.Delta
	}{
		{
			"nothing there", empty, empty,
			[]firewalld.Change{port},
			firewalld.Delta{Permanent: []firewalld.Change{port}, Runtime: []firewalld.Change{port}},
		},
		{"all there", open, open, []firewalld.Change{port}, firewalld.Delta{}},
		{"lost at run time", open, empty, []firewalld.Change{port}, firewalld.Delta{Runtime: []firewalld.Change{port}}},
		{"until the next restart", empty, open, []firewalld.Change{port}, firewalld.Delta{Permanent: []firewalld.Change{port}}},
		{
			"a new zone needs a reload, which brings the rest", empty, empty,
			[]firewalld.Change{zone, source, port},
			firewalld.Delta{Permanent: []firewalld.Change{zone, source, port}, Reload: true},
		},
		{
			"a zone that waits for its reload",
			zones(sections{"public": {}, "pods": {Items: items{{Option: "--add-source", Value: "fd12::1:0/112"}}}}), empty,
			[]firewalld.Change{zone, source},
			firewalld.Delta{Reload: true},
		},
		{
			"a target", zones(sections{"pods": {Target: "default"}}), zones(sections{"pods": {Target: "default"}}),
			[]firewalld.Change{target},
			firewalld.Delta{Permanent: []firewalld.Change{target}, Reload: true},
		},
		{
			"a range has its ports", zones(sections{"public": {Items: items{{Option: "--add-port", Value: "10000-11000/tcp"}}}}),
			zones(sections{"public": {Items: items{{Option: "--add-port", Value: "10250-10251/udp"}}}}),
			[]firewalld.Change{port},
			firewalld.Delta{Runtime: []firewalld.Change{port}},
		},
		{
			"another way to write an address", zones(sections{"pods": {Items: items{{Option: "--add-source", Value: "fd12:0::1:0/112"}}}}),
			zones(sections{"pods": {Items: items{{Option: "--add-source", Value: "fd12::2:0/112"}}}}),
			[]firewalld.Change{source},
			firewalld.Delta{Runtime: []firewalld.Change{source}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			state := firewalld.State{Running: true, DefaultZone: "public", Permanent: tt.permanent, Runtime: tt.runtime}
			if diff := cmp.Diff(tt.want, firewalld.Missing(state, tt.changes)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPutBackAndLost(t *testing.T) {
	t.Parallel()
	before := firewalld.State{
		DefaultZone: "public",
		Permanent: firewalld.Config{
			Zones: sections{"public": {Items: items{
				{Option: "--add-service", Value: "ssh"}, {Option: "--add-port", Value: "10250/tcp"}, {Option: "--add-forward"},
			}}},
			Policies: sections{"p": {}},
		},
		Runtime: firewalld.Config{
			Zones: sections{
				"public": {Items: items{
					{Option: "--add-port", Value: "4712/udp"}, {Option: "--add-interface", Value: "eth0"}, {Option: "--add-masquerade"},
				}},
				"gone": {Items: items{{Option: "--add-port", Value: "1/tcp"}}},
			},
			Policies: sections{"p": {Items: items{{Option: "--add-ingress-zone", Value: "ANY"}}}},
		},
	}
	asked := []firewalld.Change{{Kind: firewalld.AddPort, Value: "10250/tcp"}}
	want := []firewalld.Command{
		{"--zone=public", "--add-port=4712/udp"},
		{"--zone=public", "--change-interface=eth0"},
		{"--zone=public", "--add-masquerade"},
		{"--zone=public", "--remove-service=ssh"},
		{"--zone=public", "--remove-forward"},
		{"--policy=p", "--add-ingress-zone=ANY"},
	}
	got := firewalld.PutBack(before, asked)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("PutBack (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, firewalld.ParseCommands(firewalld.FormatCommands(want))); diff != "" {
		t.Errorf("ParseCommands of FormatCommands (-want +got):\n%s", diff)
	}
	if got := firewalld.ParseCommands(""); got != nil {
		t.Errorf("ParseCommands of nothing gives %v", got)
	}

	after := firewalld.State{Runtime: zones(sections{"public": {Items: items{{Option: "--add-port", Value: "4711-4712/udp"}}}})}
	removed := []firewalld.Change{{Kind: firewalld.NewZone, Value: "gone"}, {Kind: firewalld.NewPolicy, Value: "p"}}
	lost := []string{"zone public: --change-interface=eth0", "zone public: --add-masquerade"}
	if diff := cmp.Diff(lost, firewalld.Lost(before, after, removed)); diff != "" {
		t.Errorf("Lost (-want +got):\n%s", diff)
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	bus := firewalld.Command{
		"busctl", "call", "org.fedoraproject.FirewallD1", "/org/fedoraproject/FirewallD1/config", "org.fedoraproject.FirewallD1.config",
	}
	changes := []firewalld.Change{
		{Kind: firewalld.NewZone, Value: "pods"},
		{Kind: firewalld.SetTarget, Zone: "pods", Value: "ACCEPT"},
		{Kind: firewalld.AddSource, Zone: "pods", Value: "192.168.0.0/16"},
		{Kind: firewalld.AddSource, Zone: "pods", Value: "fd12::1:0/112"},
		{Kind: firewalld.NewPolicy, Value: "to-pods"},
		{Kind: firewalld.AddIngress, Policy: "to-pods", Value: "ANY"},
		{Kind: firewalld.AddEgress, Policy: "to-pods", Value: "pods"},
		{Kind: firewalld.AddSource, Zone: "other", Value: "10.0.0.0/8"},
		{Kind: firewalld.AddPort, Zone: "pods", Value: "53/udp"},
		{Kind: firewalld.AddRichRule, Policy: "to-pods", Value: "rule accept"},
		{Kind: firewalld.AddPort, Value: "1/tcp"},
		{Kind: firewalld.AddPort, Value: "2/tcp"},
	}
	want := []firewalld.Command{
		slices.Concat(bus, firewalld.Command{
			"addZone2", "sa{sv}", "pods", "4", "forward", "b", "false", "target", "s", "ACCEPT", "sources", "as", "2",
			"192.168.0.0/16", "fd12::1:0/112", "ports", "a(ss)", "1", "53", "udp",
		}),
		slices.Concat(bus, firewalld.Command{
			"addPolicy", "sa{sv}", "to-pods", "3", "ingress_zones", "as", "1", "ANY", "egress_zones", "as", "1", "pods",
			"rich_rules", "as", "1", "rule accept",
		}),
		{"--permanent", "--zone=other", "--add-source=10.0.0.0/8"},
		{"--permanent", "--add-port=1/tcp", "--add-port=2/tcp"},
	}
	if diff := cmp.Diff(want, firewalld.Commands(true, changes)); diff != "" {
		t.Errorf("Commands (-want +got):\n%s", diff)
	}
	want = []firewalld.Command{
		{"--permanent", "--remove-port=2/tcp", "--remove-port=1/tcp"},
		{"--permanent", "--zone=other", "--remove-source=10.0.0.0/8"},
		// What the policy and the zone hold disappears with them.
		{"--permanent", "--delete-policy=to-pods"},
		{"--permanent", "--delete-zone=pods"},
	}
	if diff := cmp.Diff(want, firewalld.Undo(true, changes)); diff != "" {
		t.Errorf("Undo (-want +got):\n%s", diff)
	}
}

func TestParseSection(t *testing.T) {
	t.Parallel()
	// Recorded from firewalld 1.3.3.
	const answer = `{"type":"a{sv}","data":[{"short":{"type":"s","data":"Public"},"target":{"type":"s","data":"default"},` +
		`"services":{"type":"as","data":["ssh"]},"masquerade":{"type":"b","data":false},"forward":{"type":"b","data":true},` +
		`"ports":{"type":"a(ss)","data":[["100","tcp"]]},"priority":{"type":"i","data":-15000},` +
		`"forward_ports":{"type":"a(ssss)","data":[["80","tcp","8080",""]]},"rules_str":{"type":"as","data":["rule family=\"ipv4\" accept"]}}]}`
	want := firewalld.Section{Target: "default", Items: items{
		{Option: "--add-forward"},
		{Option: "--add-forward-port", Value: "port=80:proto=tcp:toport=8080:toaddr="},
		{Option: "--add-port", Value: "100/tcp"},
		{Option: "--add-rich-rule", Value: `rule family="ipv4" accept`},
		{Option: "--add-service", Value: "ssh"},
	}}
	got, err := firewalld.ParseSection([]byte(answer))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	const half = `{"type":"a{sv}","data":[{"ports":{"type":"a(ss)","data":[["1"]]}}]}`
	for _, broken := range []string{"", "{}", `{"type":"a{sv}","data":[]}`, half, answer[1:]} {
		if _, err := firewalld.ParseSection([]byte(broken)); err == nil {
			t.Errorf("%q is taken for an answer", broken)
		}
	}
}
