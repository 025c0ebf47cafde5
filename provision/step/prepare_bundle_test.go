package step

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/hostprep/change"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// writeBundle writes a bundle of an executable and an image, complete as far as sending its files is concerned.
func writeBundle(t *testing.T, dir string) {
	t.Helper()
	content := []byte("content")
	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])
	roles := []api.Role{api.RoleWorker}
	manifest, err := bundle.Manifest{
		SchemaVersion: bundle.SchemaVersion, KubernetesVersion: api.Releases()[0].Kubernetes, Architecture: "amd64", GoVersion: "go1.26",
		Files: []bundle.File{
			{
				Path: "bin/tool.gz", Kind: bundle.KindExecutable, Name: "tool", Version: "v1", Roles: roles, Size: 7, SHA256: digest,
				Executable: &bundle.Executable{Path: "/opt/cni/bin/tool", Mode: "0755", Size: 7, SHA256: digest},
			},
			{
				Path: "images/pause.tar", Kind: bundle.KindImage, Name: "pause", Version: "3", Roles: roles, Size: 7, SHA256: digest,
				Image: &bundle.Image{Reference: "dualstrap.dev/pause:3", Digest: "sha256:" + digest, Program: "/pause"},
			},
		},
	}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"manifest.json": manifest, "bin/tool.gz": content, "images/pause.tar": content} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestHostileBundlesToSend tries bundles with files that are damaged or gone when a host is to be prepared. The host
// expects no call at all.
func TestHostileBundlesToSend(t *testing.T) {
	t.Parallel()
	const damaged, missing = "bin/tool.gz: damaged: its SHA-256 is", "images/pause.tar: missing"
	damage := func(dir string) error {
		return os.WriteFile(filepath.Join(dir, "bin/tool.gz"), []byte("consent"), 0o644)
	}
	remove := func(dir string) error { return os.Remove(filepath.Join(dir, "images/pause.tar")) }
	for name, test := range map[string]struct {
		change func(dir string) error
		want   []string
	}{
		"damaged": {damage, []string{damaged}},
		"missing": {remove, []string{missing}},
		"both":    {func(dir string) error { return errors.Join(damage(dir), remove(dir)) }, []string{damaged, missing}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeBundle(t, dir)
			if err := test.change(dir); err != nil {
				t.Fatal(err)
			}
			bundleDir, err := bundle.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			var desired change.Desired
			if err := addBundle(&desired, bundleDir, api.RoleWorker); err != nil {
				t.Fatal(err)
			}
			host := remotetest.NewHost(t, netip.MustParseAddr("10.2.0.4"))
			err = change.Apply(t.Context(), host, change.Plan(change.State{}, desired), nil)
			for _, want := range append(test.want, dir) {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v does not say %q", err, want)
				}
			}
		})
	}
}
