package change_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dualstrap/dualstrap/hostprep/change"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

func TestSurveyReadsAnswers(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"stat":      "644|0|0|root|root|regular file|/etc/app/app.conf\n777|0|0|root|root|symbolic link|/etc/app/secret\n",
		"sums":      sum("old\n") + "  /etc/app/app.conf\n",
		"digests":   sum("hidden\n") + "  /etc/app/secret\n",
		"content.1": "old\n",
		"dirs":      "/b\n/a\n/b\n",
		"sysctls":   "net/ipv4/conf/eth0.5/send_redirects:1\n",
		"units": "Id=app.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=yes\n\n" +
			"Id=kubelet.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\nNeedDaemonReload=no\n",
		"programs": "conntrack\n",
		"images": "REF TYPE DIGEST SIZE PLATFORMS LABELS\n" +
			"dualstrap.dev/pause:3 application/vnd.oci.image.manifest.v1+json sha256:1 300 KiB linux/amd64 -\n" +
			"dualstrap.dev/hello:2 application/vnd.oci.image.manifest.v1+json sha256:2 2.5 MiB linux/amd64 " +
			"io.cri-containerd.image=managed,io.cri-containerd.pinned=pinned\n",
		"record":  `{"kind":"folder","name":"/a","absent":true}` + "\n",
		"restart": "app.service\n", "put-back": "--zone=public\n--add-port=1/tcp\n",
		"firewalld.default": "public", "firewalld.filters-paths": "",
		"runtime.zone.public":   `{"type":"a{sv}","data":[{"target":{"type":"s","data":"default"}}]}`,
		"permanent.zone.public": `{"type":"a{sv}","data":[{"target":{"type":"s","data":"DROP"}}]}`,
	}
	host := &slowHost{survey: remote.Answer{Values: map[string]remote.Value{"runtime.zone.pods": {Status: 1}}}}
	for name, output := range answers {
		host.survey.Values[name] = remote.Value{Output: []byte(output)}
	}
	got, err := change.Survey(t.Context(), host, wanted())
	if err != nil {
		t.Fatal(err)
	}
	want := change.State{
		Files: map[string]change.FileState{
			"/etc/app/app.conf": {
				Kind: "regular file", Mode: 0o644, Owner: "root:root", OwnerID: "0:0", SHA256: sum("old\n"), Content: []byte("old\n"),
			},
			"/etc/app/secret": {Kind: "symbolic link", Mode: 0o777, Owner: "root:root", OwnerID: "0:0", SHA256: sum("hidden\n")},
		},
		Dirs:    []string{"/a", "/b"},
		Sysctls: map[string]string{"net/ipv4/conf/eth0.5/send_redirects": "1"},
		Units: map[string]change.UnitState{
			"app.service":     {File: "enabled", Active: "active", Stale: true},
			"kubelet.service": {Active: "inactive"},
		},
		MissingPrograms: []string{"conntrack"},
		Images:          map[string]string{"dualstrap.dev/pause:3": "sha256:1", "dualstrap.dev/hello:2": "sha256:2"},
		Pinned:          map[string]bool{"dualstrap.dev/hello:2": true},
		Record:          change.Record{{Kind: change.KindDir, Name: "/a", Absent: true}},
		Restarts:        []string{"app.service"},
	}
	firewall := got.Firewalld
	got.Firewalld, got.PutBack = want.Firewalld, nil
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !firewall.FiltersPaths || firewall.Permanent.Zones["public"].Target != "DROP" || firewall.Runtime.Zones["public"].Target != "default" ||
		len(firewall.Runtime.Zones) != 1 {
		t.Errorf("firewalld is taken for %+v", firewall)
	}
}

func TestSurveyTakesItemsOnly(t *testing.T) {
	t.Parallel()
	for _, desired := range []change.Desired{
		{Files: []change.File{{Path: "etc/app"}}},
		{Files: []change.File{{Path: "/etc/../app"}}},
		{Files: []change.File{{Path: "/etc/a\nb"}}},
		{Modules: []string{""}},
		{Units: []change.Unit{{Name: "a\nb"}}},
	} {
		host := &slowHost{}
		if _, err := change.Survey(t.Context(), host, desired); err == nil || len(host.calls) > 0 {
			t.Errorf("%+v: the error is %v after %d calls", desired, err, len(host.calls))
		}
	}
}
