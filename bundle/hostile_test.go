package bundle_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/bundle"
)

// sound is a manifest that [bundle.Open] accepts. Every hostile manifest is this one with a single change.
const sound = `{
  "schemaVersion": 1,
  "kubernetesVersion": "v1.36.3",
  "architecture": "amd64",
  "goVersion": "go1.26.8",
  "files": [
    {
      "path": "bin/tool.gz",
      "kind": "executable",
      "name": "tool",
      "version": "v1",
      "size": 1000,
      "sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "roles": ["worker"],
      "executable": {
        "path": "/usr/local/bin/tool",
        "mode": "0755",
        "size": 2000,
        "sha256": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
      }
    },
    {
      "path": "images/pause.tar",
      "kind": "image",
      "name": "pause",
      "version": "3.10.2",
      "size": 3000,
      "sha256": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
      "roles": ["control-plane", "load-balancer"],
      "image": {
        "reference": "dualstrap.dev/pause:3.10.2",
        "digest": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
        "program": "/usr/local/bin/pause"
      }
    }
  ]
}
`

// hostile is a change of the sound manifest, and the error that it must cause.
type hostile struct{ old, changed, want string }

func hostileDocuments() []hostile {
	file := strings.TrimSpace(sound[strings.Index(sound, `    {`):strings.Index(sound, `    {`+"\n"+`      "path": "images`)])
	return []hostile{
		{sound, ``, "unexpected end of JSON input"},
		{sound, `[]`, "cannot unmarshal array"},
		{sound, `{}`, "its schema version is 0, this dualstrap reads 1"},
		{`"schemaVersion": 1`, `"schemaVersion": 2, "newField": true`, "its schema version is 2, this dualstrap reads 1"},
		{`"schemaVersion": 1`, `"SchemaVersion": 1`, "its schema version is 0"},
		{sound, sound + "{}", "after top-level value"},
		{sound, sound + "x", "after top-level value"},
		{sound, sound + strings.Repeat(" ", 1<<20), "bytes, at most 1048576 are allowed"},
		{`"goVersion"`, `"signedBy": "me", "goVersion"`, `unknown field "signedBy"`},
		{`"mode": "0755"`, `"mode": "0755", "owner": "root"`, `unknown field "files[0].executable.owner"`},
		{`"mode": "0755"`, `"Mode": "4755", "mode": "0755"`, `unknown field "files[0].executable.Mode"`},
		{`"mode": "0755"`, `"mode": "4755", "mode": "0755"`, `duplicate field "files[0].executable.mode"`},
		{`"goVersion"`, `"architecture": "arm64", "goVersion"`, `duplicate field "architecture"`},
		{`"goVersion"`, `"files": [], "goVersion"`, `duplicate field "files"`},
		{`"files": [`, `"files": [` + file, `files[1] "bin/tool.gz": path is listed twice`},
		{sound[strings.Index(sound, `"files"`):], `"files": []}`, "files lists no files"},
		{`"files": [`, `"files": [` + strings.Repeat(file, 300), "files lists 302 files, at most 256 are allowed"},
		{`"v1.36.3"`, `"../v1"`, `kubernetesVersion is "../v1"`},
		{`"amd64"`, `"arm64"`, `architecture is "arm64", and must be amd64`},
		{`"go1.26.8"`, `"go\u001b[31m"`, `goVersion is "go\x1b[31m"`},
	}
}

func hostileFiles() []hostile {
	const tool, pause = `files[0] "bin/tool.gz": `, `files[1] "images/pause.tar": `
	return []hostile{
		{`"bin/tool.gz"`, `"../bin/tool.gz"`, `files[0] "../bin/tool.gz": path is "../bin/tool.gz", and must be bin/tool.gz`},
		{`"bin/tool.gz"`, `"/etc/passwd"`, `path is "/etc/passwd"`},
		{`"bin/tool.gz"`, `"bin/./tool.gz"`, `path is "bin/./tool.gz"`},
		{`"bin/tool.gz"`, `"manifest.json"`, `path is "manifest.json"`},
		{`"images/pause.tar"`, `"bin/tool.gz"`, `files[1] "bin/tool.gz": path is "bin/tool.gz", and must be images/pause.tar`},
		{`"kind": "executable"`, `"kind": "script"`, tool + `kind is "script", and must be executable or image`},
		{`"kind": "executable"`, `"kind": "image"`, tool + `path is "bin/tool.gz", and must be images/tool.tar`},
		{`"executable": {`, `"image": {}, "executable": {`, tool + "image is set for a file of another kind"},
		{`"image": {`, `"executable": {}, "image": {`, pause + "executable is set for a file of another kind"},
		{sound[strings.Index(sound, `,`+"\n"+`      "image"`):strings.LastIndex(sound, `    }`)], ``, pause + "image is missing"},
		{`"name": "tool"`, `"name": "../../../x"`, tool + `name is "../../../x", and must match`},
		{`"name": "tool"`, `"name": ".."`, tool + `name is ".."`},
		{`"name": "tool"`, `"name": "a..b"`, tool + `name is "a..b"`},
		{`"name": "tool"`, `"name": "-rf"`, tool + `name is "-rf"`},
		{`"name": "tool"`, `"name": "to\nol"`, tool + `name is "to\nol"`},
		{`"name": "tool"`, `"name": "tool\n"`, tool + `name is "tool\n"`},
		{`"name": "tool"`, `"name": "Tool"`, tool + `name is "Tool"`},
		{`"name": "tool"`, `"name": ""`, tool + `name is ""`},
		{`"name": "tool"`, `"name": "` + strings.Repeat("a", 1000) + `"`, tool + "name has 1000 characters, at most 128 are allowed"},
		{`"version": "v1"`, `"version": "v1 ; reboot"`, tool + `version is "v1 ; reboot"`},
		{`"size": 1000`, `"size": 0`, tool + "size is 0, and must be from 1 to 4294967296"},
		{`"size": 1000`, `"size": -1`, tool + "size is -1"},
		{`"size": 1000`, `"size": 1e3`, "cannot unmarshal number 1e3"},
		{`"size": 1000`, `"size": 99999999999`, tool + "size is 99999999999"},
		{`"size": 1000`, `"size": 99999999999999999999`, "cannot unmarshal number"},
		{`"aaaa`, `"AAAA`, tool + `sha256 is "AAAAaaaa`},
		{`"aaaa`, `"`, tool + `sha256 is "aaaa`},
		{`["worker"]`, `[]`, tool + "roles is empty"},
		{`["worker"]`, `["worker", "admin"]`, tool + `roles is "admin"`},
		{`["worker"]`, `["worker", "worker"]`, tool + `roles has "worker" twice`},
		{`/usr/local/bin/tool`, `/root/.ssh/authorized_keys`, tool + `executable.path is "/root/.ssh/authorized_keys", and must be ` +
			`/usr/local/bin/tool or /opt/cni/bin/tool`},
		{`/usr/local/bin/tool`, `/usr/local/bin/../../../bin/tool`, tool + `executable.path is "/usr/local/bin/../../../bin/tool"`},
		{`/usr/local/bin/tool`, `/usr/local/bin/sudo`, tool + `executable.path is "/usr/local/bin/sudo"`},
		{`/usr/local/bin/tool`, `usr/local/bin/tool`, tool + `executable.path is "usr/local/bin/tool"`},
		{`"0755"`, `"4755"`, tool + `executable.mode is "4755", and must be 0755`},
		{`"0755"`, `"2755"`, tool + `executable.mode is "2755"`},
		{`"0755"`, `"0777"`, tool + `executable.mode is "0777"`},
		{`"0755"`, `"u+s"`, tool + `executable.mode is "u+s"`},
		{`"size": 2000`, `"size": 9999999999`, tool + "executable.size is 9999999999"},
		{`"bbbb`, `"xbbb`, tool + "executable.sha256 is"},
		{`dualstrap.dev/pause:3.10.2`, `registry.k8s.io/pause:3.10.2`, pause + `image.reference is "registry.k8s.io/pause:3.10.2"`},
		{`"sha256:dddd`, `"sha512:dddd`, pause + "image.digest is"},
		{`/usr/local/bin/pause`, `/../../etc/passwd`, pause + `image.program is "/../../etc/passwd"`},
		{`/usr/local/bin/pause`, `pause`, pause + `image.program is "pause"`},
	}
}

// openManifest opens a bundle that consists of its manifest alone.
func openManifest(t *testing.T, manifest string) (dir string, err error) {
	t.Helper()
	dir = t.TempDir()
	write(t, filepath.Join(dir, bundle.ManifestName), []byte(manifest))
	_, err = bundle.Open(dir)
	return dir, err
}

// TestHostileBundleManifests tries bundles with a single change in manifest.json, and one without that file.
func TestHostileBundleManifests(t *testing.T) {
	t.Parallel()
	if _, err := openManifest(t, sound); err != nil {
		t.Fatalf("a sound manifest: %v", err)
	}
	for _, test := range append(hostileDocuments(), hostileFiles()...) {
		t.Run(fmt.Sprintf("%.40s instead of %.30s", test.changed, test.old), func(t *testing.T) {
			t.Parallel()
			manifest := strings.Replace(sound, test.old, test.changed, 1)
			if manifest == sound {
				t.Errorf("%q changes nothing", test.old)
			}
			dir, err := openManifest(t, manifest)
			var refused *bundle.NoBundleError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("%.60q instead of %.60q: error %v does not say %q", test.changed, test.old, err, test.want)
			}
		})
	}
	t.Run("no manifest.json", func(t *testing.T) {
		t.Parallel()
		if _, err := bundle.Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no manifest.json") {
			t.Errorf("an empty directory: %v", err)
		}
	})
}
