package change_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/change"
	"github.com/dualstrap/dualstrap/hostprep/osfamily"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// withBaseline returns a desired state with a baseline of every kind, and the state of a host on which some of it
// exists.
func withBaseline() (change.State, change.Desired) {
	desired := wanted()
	desired.Baseline = change.Baseline{
		Trees: []change.Tree{
			{Path: "/etc/cni/net.d", Copy: true}, {Path: "/var/lib/app", Copy: true}, {Path: "/var/lib/containerd"}, {Path: "/opt/containerd"},
		},
		Sysctls: []string{"kernel/panic", "net/netfilter/nf_conntrack_max"},
		Tables:  true,
		Zones:   []string{"public", "home"},
	}
	state := asWanted()
	delete(state.Files, "/etc/app/app.conf")
	dir := change.FileState{Kind: "directory", Mode: 0o755, Owner: "root:root", OwnerID: "0:0"}
	state.Files["/var/lib/app"], state.Files["/var/lib/containerd"] = dir, dir
	state.Files["/etc/firewalld/zones/home.xml"] = change.FileState{Kind: "regular file"}
	state.Dirs = []string{"/etc/cni"}
	state.Sysctls["kernel/panic"] = "0"
	tables := "ip nat\ninet firewalld"
	state.Tables = &tables
	return state, desired
}

// entries returns the entries that Apply adds to the host's record, and all arguments of the record script.
func entries(t *testing.T, actions []change.Action) (change.Record, remote.Args) {
	t.Helper()
	host := &slowHost{}
	if err := change.Apply(t.Context(), host, actions, nil); err != nil {
		t.Fatal(err)
	}
	args := host.args[record]
	made, err := change.ParseRecord([]byte(args["entries"]))
	if err != nil {
		t.Fatal(err)
	}
	return made, args
}

func TestBaselineIsRecordedWithTheFirstChange(t *testing.T) {
	t.Parallel()
	state, desired := withBaseline()
	made, args := entries(t, change.Plan(state, desired))
	want := change.Record{
		{Kind: change.KindDir, Name: "/etc/cni", Absent: true},
		{Kind: change.KindTree, Name: "/etc/cni/net.d", Absent: true},
		{Kind: change.KindTree, Name: "/var/lib/app", Copy: "before/" + sum("/var/lib/app")[:16]},
		{Kind: change.KindTree, Name: "/var/lib/containerd"},
		{Kind: change.KindTree, Name: "/opt/containerd", Absent: true},
		{Kind: change.KindSysctl, Name: "kernel/panic", Value: "0"},
		{Kind: change.KindSysctl, Name: "net/netfilter/nf_conntrack_max", Absent: true},
		{Kind: change.KindZone, Name: "/etc/firewalld/zones/public.xml", Absent: true},
		{Kind: change.KindTables, Name: "tables", Value: "ip nat\ninet firewalld"},
	}
	if diff := cmp.Diff(want, made[:min(len(want), len(made))]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	names := "before/" + sum("/var/lib/containerd")[:16] + ".names=/var/lib/containerd"
	if got := args["named"]; got != names {
		t.Errorf("names are kept of %q, want %q", got, names)
	}
	if got := args["copies"]; !strings.Contains(got, "=/var/lib/app") || strings.Contains(got, "containerd") {
		t.Errorf("copies are made of %q", got)
	}
	if got := args["absent"]; !strings.Contains(got, "/etc/cni/net.d\n") {
		t.Errorf("it is held to nothing being at %q", got)
	}
}

func TestBaselineComesTooLateAfterTheFirstChange(t *testing.T) {
	t.Parallel()
	state, desired := withBaseline()
	state.Record = change.Record{{Kind: change.KindFile, Name: "/etc/app/other", Absent: true}}
	made, _ := entries(t, change.Plan(state, desired))
	for _, entry := range made {
		if entry.Kind == change.KindTree || entry.Kind == change.KindSysctl {
			t.Errorf("what programs have made by now is recorded as what was there before: %+v", entry)
		}
	}
	state, desired = withBaseline()
	state.Files["/etc/app/app.conf"] = asWanted().Files["/etc/app/app.conf"]
	if actions := change.Plan(state, desired); len(actions) > 0 {
		t.Errorf("got actions for a host in the desired state: %v", actions)
	}
}

const undoable = `{"kind":"folder","name":"/etc/dualstrap","absent":true}
{"kind":"folder","name":"/etc/kubernetes","absent":true}
{"kind":"tree","name":"/etc/kubernetes","absent":true}
{"kind":"tree","name":"/var/lib/kubelet","copy":"before/1"}
{"kind":"tree","name":"/var/lib/containerd"}
{"kind":"file","name":"/etc/dualstrap/cluster.yaml","absent":true}
{"kind":"file","name":"/etc/kubernetes/manifests/a.yaml","copy":"before/2"}
{"kind":"file","name":"/var/lib/kubelet/config","absent":true}
{"kind":"file","name":"/etc/motd","copy":"before/3"}
{"kind":"file","name":"/usr/local/bin/app","absent":true}
{"kind":"image","name":"a:1","absent":true}
{"kind":"sysctl","name":"kernel/panic","value":"0"}
{"kind":"nftables","name":"tables","value":"inet firewalld"}
{"kind":"firewalld-zone","name":"/etc/firewalld/zones/public.xml","absent":true}
{"kind":"unit","name":"app.service"}
{"kind":"package","name":"conntrack","absent":true}
`

func TestUndo(t *testing.T) {
	t.Parallel()
	host := &slowHost{survey: remote.Answer{Values: map[string]remote.Value{
		"traces": {Output: []byte("before\nrecord.jsonl\n")}, "record": {Output: []byte(undoable)},
	}}}
	if err := change.Undo(t.Context(), host, osfamily.Of("debian"), "/etc/dualstrap/cluster.yaml"); err != nil {
		t.Fatal(err)
	}
	want := remote.Args{
		"images": "a:1", "stop": "app.service", "disable": "app.service", "gone": "/etc/kubernetes",
		"copied": "before/1=/var/lib/kubelet",
		"named":  "before/" + sum("/var/lib/containerd")[:16] + ".names=/var/lib/containerd",
		"copies": "before/3=/etc/motd", "absent": "/usr/local/bin/app", "dirs": "/etc/kubernetes", "start": "",
		"sysctls": "kernel/panic=0", "tables": "known\ninet firewalld",
	}
	if diff := cmp.Diff(want, host.args["undo changes"]); diff != "" {
		t.Errorf("undo (-want +got):\n%s", diff)
	}
	// The files that mark the host as a node of its cluster are removed together with the record.
	want = remote.Args{
		"packages": "conntrack", "files": "", "zones": "/etc/firewalld/zones/public.xml",
		"last": "/etc/dualstrap/cluster.yaml", "dirs": "/etc/dualstrap",
	}
	if diff := cmp.Diff(want, host.args["remove the record of changes"]); diff != "" {
		t.Errorf("forget (-want +got):\n%s", diff)
	}
	if last := host.calls[len(host.calls)-1]; last != "remove the record of changes" {
		t.Errorf("the last call is %s", last)
	}
}

func TestUndoing(t *testing.T) {
	t.Parallel()
	made, err := change.ParseRecord([]byte(undoable))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"remove package conntrack", "stop app.service", "restore kernel.panic to 0", "remove /usr/local/bin/app", "restore /etc/motd",
		"remove /etc/dualstrap/cluster.yaml", "restore the content of /var/lib/containerd", "restore the content of /var/lib/kubelet",
		"remove /etc/kubernetes",
	}
	if diff := cmp.Diff(want, made.UndoSummary()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUndoWithoutTraces(t *testing.T) {
	t.Parallel()
	host := &slowHost{}
	if err := change.Undo(t.Context(), host, osfamily.Of("debian")); err != nil || len(host.calls) != 1 {
		t.Errorf("%v after %v", err, host.calls)
	}
	// A run that was interrupted while it removed the record has left the directory.
	host = &slowHost{survey: remote.Answer{Values: map[string]remote.Value{"traces": {}}}}
	if err := change.Undo(t.Context(), host, osfamily.Of("debian")); err != nil || host.args["remove the record of changes"] == nil {
		t.Errorf("%v after %v", err, host.calls)
	}
}

func TestSharedSysctlsAreNotRecorded(t *testing.T) {
	t.Parallel()
	desired, state := wanted(), asWanted()
	desired.Sysctls = []change.Sysctl{
		{Key: "fs/inotify/max_user_instances", Value: "8192", Shared: true}, {Key: "net/ipv4/ip_forward", Value: "1"},
	}
	state.Sysctls = map[string]string{"fs/inotify/max_user_instances": "128", "net/ipv4/ip_forward": "0"}
	actions := change.Plan(state, desired)
	if len(actions) != 2 {
		t.Errorf("got the actions %v, want 2", actions)
	}
	made, _ := entries(t, actions)
	if diff := cmp.Diff(change.Record{{Kind: change.KindSysctl, Name: "net/ipv4/ip_forward", Value: "0"}}, made); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
