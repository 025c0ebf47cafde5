package change_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/change"
	"github.com/dualstrap/dualstrap/hostprep/firewalld"
	"github.com/dualstrap/dualstrap/hostprep/osfamily"
)

const conf = "/etc/firewalld/firewalld.conf"

func sum(content string) string {
	digest := sha256.Sum256([]byte(content))
	return hex.EncodeToString(digest[:])
}

// wanted returns a desired state with one thing of each kind.
func wanted() change.Desired {
	restarts := []string{"app.service"}
	return change.Desired{
		Files: []change.File{
			{Path: "/etc/app/app.conf", Mode: 0o644, Content: []byte("new\n"), Restarts: restarts},
			{Path: "/etc/app/secret", Mode: 0o600, Content: []byte("hidden\n"), Secret: true},
		},
		Sysctls: []change.Sysctl{
			{Key: "net/ipv4/conf/eth0.5/send_redirects", Value: "0"},
			{Key: "net/ipv6/neigh/default/gc_thresh3", Value: "8192", Optional: true},
		},
		Modules:     []string{"overlay"},
		Executables: []change.Executable{{Path: "/usr/local/bin/app", Mode: 0o755, SHA256: sum("app"), Restarts: restarts, Open: empty}},
		Images:      []change.Image{{Reference: "dualstrap.dev/pause:3", Digest: "sha256:1", SHA256: "abc", Open: empty}},
		Programs:    []change.Program{{Name: "conntrack", Package: "conntrack-tools"}},
		Family:      osfamily.Of("rhel"),
		Units:       []change.Unit{{Name: "app.service", Start: true}, {Name: "kubelet.service"}},
		Firewalld: firewalld.Wanted{
			Settings: []firewalld.Setting{{File: conf, Key: "IPv6_rpfilter", Value: "no"}},
			Changes:  []firewalld.Change{{Kind: firewalld.AddPort, Value: "10250/tcp"}},
		},
	}
}

// asWanted returns the state of a host that needs no changes.
func asWanted() change.State {
	file := func(content string, mode fs.FileMode) change.FileState {
		return change.FileState{Kind: "regular file", Mode: mode, Owner: "root:root", OwnerID: "0:0", SHA256: sum(content)}
	}
	settings := file("", 0o644)
	settings.Content = []byte("# mine\nIPv6_rpfilter=no\nLockdown=no\n")
	open := func() firewalld.Config {
		port := firewalld.Item{Option: "--add-port", Value: "10250/tcp"}
		return firewalld.Config{Zones: map[string]firewalld.Section{"public": {Items: []firewalld.Item{port}}}}
	}
	return change.State{
		Files: map[string]change.FileState{
			"/etc/app/app.conf": file("new\n", 0o644), "/etc/app/secret": file("hidden\n", 0o600),
			"/usr/local/bin/app": file("app", 0o755), conf: settings,
		},
		Sysctls: map[string]string{"net/ipv4/conf/eth0.5/send_redirects": "0"},
		Images:  map[string]string{"dualstrap.dev/pause:3": "sha256:1"},
		Pinned:  map[string]bool{"dualstrap.dev/pause:3": true},
		Units: map[string]change.UnitState{
			"app.service":     {File: "enabled", Active: "active"},
			"kubelet.service": {File: "enabled", Active: "inactive"},
		},
		Firewalld: firewalld.State{Running: true, DefaultZone: "public", Permanent: open(), Runtime: open()},
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	alter := func(state *change.State, path string, alter func(*change.FileState)) {
		file := state.Files[path]
		alter(&file)
		state.Files[path] = file
	}
	tests := []struct {
		name  string
		drift func(*change.State)
		want  []string
	}{
		{"as it has to be", func(*change.State) {}, nil},
		{"a file was edited", func(s *change.State) {
			alter(s, "/etc/app/app.conf", func(f *change.FileState) { f.SHA256, f.Content = sum("old\n"), []byte("old\n") })
		}, []string{"change /etc/app/app.conf", "restart app.service"}},
		{
			"a file is gone", func(s *change.State) { delete(s.Files, "/etc/app/app.conf") },
			[]string{"create /etc/app/app.conf", "restart app.service"},
		},
		{"a file is a link", func(s *change.State) {
			alter(s, "/etc/app/app.conf", func(f *change.FileState) { f.Kind = "symbolic link" })
		}, []string{"replace /etc/app/app.conf, which is a symbolic link", "restart app.service"}},
		{"a file is open to others: nothing that reads it restarts", func(s *change.State) {
			alter(s, "/etc/app/app.conf", func(f *change.FileState) { f.Mode, f.Owner, f.OwnerID = 0o666, "bin:root", "2:0" })
		}, []string{"set mode of /etc/app/app.conf: 0666 → 0644; set owner of /etc/app/app.conf: bin:root → root:root"}},
		{"a secret was edited", func(s *change.State) {
			alter(s, "/etc/app/secret", func(f *change.FileState) { f.SHA256 = sum("seen") })
		}, []string{"change /etc/app/secret (its content is secret)"}},
		{"another executable", func(s *change.State) {
			alter(s, "/usr/local/bin/app", func(f *change.FileState) { f.SHA256 = sum("other") })
		}, []string{"replace /usr/local/bin/app", "restart app.service"}},
		{"the file of a unit that does not run", func(s *change.State) {
			delete(s.Files, "/etc/app/app.conf")
			s.Units["app.service"] = change.UnitState{File: "enabled", Active: "failed"}
		}, []string{"create /etc/app/app.conf", "start app.service"}},
		{
			"a unit is off", func(s *change.State) {
				s.Units["kubelet.service"] = change.UnitState{File: "disabled", Active: "inactive"}
			},
			[]string{"enable kubelet.service"},
		},
		{"systemd has not seen an edit", func(s *change.State) {
			s.Units["app.service"] = change.UnitState{File: "enabled", Active: "active", Stale: true}
		}, []string{"reload systemd units"}},
		{
			"a run was cut off before its restart",
			func(s *change.State) { s.Restarts = []string{"app.service", "kubelet.service", "foreign.service"} },
			[]string{"restart app.service"},
		},
		{
			"a sysctl was set", func(s *change.State) { s.Sysctls["net/ipv4/conf/eth0.5/send_redirects"] = "1" },
			[]string{"set net.ipv4.conf.eth0/5.send_redirects: 1 → 0"},
		},
		{
			"a sysctl is not there", func(s *change.State) { s.Sysctls = nil },
			[]string{"set net.ipv4.conf.eth0/5.send_redirects to 0 (the kernel does not have it yet)"},
		},
		{
			"a sysctl that not every kernel has",
			func(s *change.State) { s.Sysctls["net/ipv6/neigh/default/gc_thresh3"] = "1024" },
			[]string{"set net.ipv6.neigh.default.gc_thresh3: 1024 → 8192"},
		},
		{"a module", func(s *change.State) { s.Loadable = []string{"overlay"} }, []string{"load kernel module overlay"}},
		{
			"a program", func(s *change.State) { s.MissingPrograms = []string{"conntrack"} },
			[]string{"install conntrack from package conntrack-tools"},
		},
		{"no image", func(s *change.State) { s.Images = nil }, []string{"import image dualstrap.dev/pause:3"}},
		{"an image that is not pinned", func(s *change.State) { s.Pinned = nil }, []string{"pin image dualstrap.dev/pause:3"}},
		{
			"another image", func(s *change.State) { s.Images["dualstrap.dev/pause:3"] = "sha256:2" },
			[]string{"re-import image dualstrap.dev/pause:3 (digest changed)"},
		},
		{
			"archives are left, one whole and one in part",
			func(s *change.State) { s.Archives = []string{"abc.tar", ".def.tar.dualstrap-def.part"} },
			[]string{"remove archives of images that an earlier run left"},
		},
		{
			"an archive is on the host already", func(s *change.State) { s.Images, s.Archives = nil, []string{"abc.tar"} },
			[]string{"import image dualstrap.dev/pause:3"},
		},
		{"the filter is on in the file", func(s *change.State) {
			alter(s, conf, func(f *change.FileState) { f.Content = []byte("IPv6_rpfilter=yes\n") })
		}, []string{"set IPv6_rpfilter=no in " + conf, "restart firewalld"}},
		{"the filter is on in effect only", func(s *change.State) { s.Firewalld.FiltersPaths = true }, []string{"restart firewalld"}},
		{
			"a run was cut off before firewalld's restart", func(s *change.State) { s.Restarts = []string{"firewalld.service"} },
			[]string{"restart firewalld"},
		},
		{
			"a run was cut off before it put back", func(s *change.State) { s.PutBack = []firewalld.Command{{"--zone=public", "--add-port=1/tcp"}} },
			[]string{"firewalld: restore runtime settings that an earlier run dropped"},
		},
		{
			"a port is closed until the next restart", func(s *change.State) { s.Firewalld.Runtime.Zones["public"] = firewalld.Section{} },
			[]string{"firewalld: add port 10250/tcp to the default zone at run time"},
		},
		{"a port is closed", func(s *change.State) {
			s.Firewalld.Runtime.Zones["public"], s.Firewalld.Permanent.Zones["public"] = firewalld.Section{}, firewalld.Section{}
		}, []string{"firewalld: add port 10250/tcp to the default zone"}},
		{"no firewalld", func(s *change.State) { s.Firewalld = firewalld.State{} }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			state := asWanted()
			tt.drift(&state)
			var got []string
			for _, action := range change.Plan(state, wanted()) {
				got = append(got, action.Summary)
				if action.Diff != nil && strings.Contains(action.Diff(), "hidden") || strings.Contains(action.Summary, "hidden") {
					t.Errorf("a secret is shown: %+v", action)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlanShowsDiffs(t *testing.T) {
	t.Parallel()
	state := asWanted()
	edited := state.Files["/etc/app/app.conf"]
	edited.SHA256, edited.Content = sum("old\n"), []byte("old\n")
	state.Files["/etc/app/app.conf"] = edited
	settings := state.Files[conf]
	settings.Content = []byte("# mine\nIPv6_rpfilter=yes\nLockdown=no\n")
	state.Files[conf] = settings
	delete(state.Files, "/etc/app/secret")

	var diffs strings.Builder
	for _, action := range change.Plan(state, wanted()) {
		if action.Diff != nil {
			diffs.WriteString(action.Diff())
		}
	}
	want := "--- a/etc/app/app.conf\n+++ b/etc/app/app.conf\n@@ -1 +1 @@\n-old\n+new\n" +
		"--- a" + conf + "\n+++ b" + conf + "\n@@ -1,3 +1,3 @@\n # mine\n-IPv6_rpfilter=yes\n+IPv6_rpfilter=no\n Lockdown=no\n"
	if diff := cmp.Diff(want, diffs.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseSysctls(t *testing.T) {
	t.Parallel()
	const content = "# c\n; c\n\nnet.ipv4.ip_forward = 1\nnet.ipv4.conf.eth0/5.rp_filter=2\nnet/ipv6/conf/eth0.5/accept_ra = 2\n" +
		"-net.ipv4.a = 3\n"
	got, err := change.ParseSysctls([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	want := []change.Sysctl{
		{Key: "net/ipv4/ip_forward", Value: "1"},
		{Key: "net/ipv4/conf/eth0.5/rp_filter", Value: "2"},
		{Key: "net/ipv6/conf/eth0.5/accept_ra", Value: "2"},
		{Key: "net/ipv4/a", Value: "3", Optional: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := change.ParseSysctls([]byte("net.ipv4.ip_forward\n")); err == nil {
		t.Error("a key without a value is taken")
	}
	if diff := cmp.Diff([]string{"overlay", "nf_tables"}, change.ParseModules([]byte("# c\noverlay\n nf-tables \n"))); diff != "" {
		t.Errorf("ParseModules (-want +got):\n%s", diff)
	}
}

// TestPlanNarrowsZone plans for a zone whose target accepts everything: the target is changed, the ports that
// have to stay open are added, and firewalld is reloaded, because a target cannot be changed at run time.
func TestPlanNarrowsZone(t *testing.T) {
	t.Parallel()
	wide := firewalld.Config{Zones: map[string]firewalld.Section{"pods": {Target: "ACCEPT"}}}
	state := change.State{Firewalld: firewalld.State{Running: true, DefaultZone: "public", Permanent: wide, Runtime: wide}}
	desired := change.Desired{Firewalld: firewalld.Wanted{Changes: []firewalld.Change{
		{Kind: firewalld.NewZone, Value: "pods"},
		{Kind: firewalld.SetTarget, Zone: "pods", Value: "default"},
		{Kind: firewalld.AddPort, Zone: "pods", Value: "10250/tcp"},
	}}}
	var got []string
	for _, action := range change.Plan(state, desired) {
		got = append(got, action.Summary)
	}
	want := []string{"firewalld: set target default of zone pods", "firewalld: add port 10250/tcp to zone pods", "reload firewalld"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPlanRaisesLimits(t *testing.T) {
	t.Parallel()
	desired := change.Desired{Sysctls: []change.Sysctl{{Key: "fs/inotify/max_user_watches", Value: "524288", Least: true}}}
	for value, want := range map[string][]string{
		"8192":    {"set fs.inotify.max_user_watches: 8192 → 524288"},
		"524288":  nil,
		"1048576": nil, // another program needs more
		"none":    {"set fs.inotify.max_user_watches: none → 524288"},
	} {
		state := change.State{Sysctls: map[string]string{"fs/inotify/max_user_watches": value}}
		var got []string
		for _, action := range change.Plan(state, desired) {
			got = append(got, action.Summary)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("where it is %s (-want +got):\n%s", value, diff)
		}
	}
}
