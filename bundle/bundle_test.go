package bundle_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/bundle/oci"
)

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// staticProgram builds a real static executable.
func staticProgram(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pause")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", path, "./build/pause")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// fixture creates a bundle of one executable and two images, one of which contains a program that is not static.
func fixture(t *testing.T) (dir string, program []byte) {
	t.Helper()
	dir, program = t.TempDir(), staticProgram(t)
	shell, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	var compressed bytes.Buffer
	zipper := gzip.NewWriter(&compressed)
	if _, err := zipper.Write(program); err != nil {
		t.Fatal(err)
	}
	if err := zipper.Close(); err != nil {
		t.Fatal(err)
	}
	manifest := bundle.Manifest{
		SchemaVersion: bundle.SchemaVersion, KubernetesVersion: "v1.36.3", Architecture: "amd64", GoVersion: "go1.26",
		Files: []bundle.File{{
			Path: "bin/tool.gz", Kind: bundle.KindExecutable, Name: "tool", Version: "v1", Roles: []api.Role{api.RoleWorker},
			Size: int64(compressed.Len()), SHA256: digest(compressed.Bytes()),
			Executable: &bundle.Executable{Path: "/usr/local/bin/tool", Mode: "0755", Size: int64(len(program)), SHA256: digest(program)},
		}},
	}
	write(t, filepath.Join(dir, "bin/tool.gz"), compressed.Bytes())
	contents := map[string][]byte{"inner": program, "shell": shell}
	for _, name := range slices.Sorted(maps.Keys(contents)) { // a manifest lists its files in order
		content := contents[name]
		var image bytes.Buffer
		if err := oci.Write(&image, oci.Image{Reference: "dualstrap.dev/" + name + ":v1", Files: []oci.File{{
			Path: "/bin/" + name, Mode: 0o755, Open: func() (io.ReadCloser, error) { return reader{bytes.NewReader(content)}, nil },
		}}}); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "images", name+".tar")
		write(t, path, image.Bytes())
		archive, err := oci.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		archive.Close()
		manifest.Files = append(manifest.Files, bundle.File{
			Path: "images/" + name + ".tar", Kind: bundle.KindImage, Name: name, Version: "v1", Size: int64(image.Len()),
			SHA256: digest(image.Bytes()), Roles: []api.Role{api.RoleControlPlane, api.RoleWorker},
			Image: &bundle.Image{Reference: "dualstrap.dev/" + name + ":v1", Digest: archive.Digest, Program: "/bin/" + name},
		})
	}
	data, err := manifest.Encode()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, bundle.ManifestName), data)
	return dir, program
}

type reader struct{ *bytes.Reader }

func (reader) Close() error { return nil }

func open(t *testing.T, dir string) *bundle.Dir {
	t.Helper()
	bundleDir, err := bundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return bundleDir
}

func TestVerifyNamesEveryFlaw(t *testing.T) {
	t.Parallel()
	dir, _ := fixture(t)
	if err := open(t, dir).Verify(t.Context()); err != nil {
		t.Fatalf("a whole bundle: %v", err)
	}
	flip(t, filepath.Join(dir, "images/inner.tar"))
	if err := os.Remove(filepath.Join(dir, "images/shell.tar")); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "bin/tool.gz"), 1000); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "bin/extra"), nil)
	var flawed *bundle.FlawedError
	if err := open(t, dir).Verify(t.Context()); !errors.As(err, &flawed) {
		t.Fatalf("error %v", err)
	}
	var got []string
	for _, flaw := range flawed.Flaws {
		got = append(got, flaw.Path+" "+flaw.Flaw)
		if !strings.Contains(flawed.Error(), flaw.Path) {
			t.Errorf("%q does not name %s", flawed, flaw.Path)
		}
	}
	slices.Sort(got)
	want := []string{"bin/extra extra", "bin/tool.gz damaged", "images/inner.tar damaged", "images/shell.tar missing"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flaws (-want +got):\n%s", diff)
	}
}

// flip inverts one bit in the middle of a file.
func flip(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	write(t, path, data)
}

func TestExtract(t *testing.T) {
	t.Parallel()
	dir, program := fixture(t)
	bundleDir, out := open(t, dir), filepath.Join(t.TempDir(), "new", "directory")
	for _, name := range []string{"tool", "inner", "tool"} { // the second one replaces the first
		if err := bundleDir.Extract(name, out); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(out, name)
		content, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(content, program) {
			t.Errorf("%s is another program (%v)", name, err)
		}
		if said, err := exec.CommandContext(t.Context(), path, "-v").Output(); err != nil || !strings.HasPrefix(string(said), "pause ") {
			t.Errorf("%s says %q, %v", name, said, err)
		}
	}
	for name, want := range map[string]string{"shell": "shared libraries", "nothing": "has no program nothing"} {
		if err := bundleDir.Extract(name, out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", name, err, want)
		}
	}
	flip(t, filepath.Join(dir, "bin/tool.gz"))
	var flawed *bundle.FlawedError
	if err := bundleDir.Extract("tool", out); !errors.As(err, &flawed) {
		t.Errorf("a damaged file: error %v", err)
	}
	entries, err := os.ReadDir(out)
	if err != nil || len(entries) != 2 {
		t.Errorf("%v, %v are left, want the two programs", entries, err)
	}
}

func TestManifestFor(t *testing.T) {
	t.Parallel()
	dir, _ := fixture(t)
	manifest := open(t, dir).Manifest
	for role, want := range map[api.Role]int{api.RoleWorker: 3, api.RoleControlPlane: 2, api.RoleLoadBalancer: 0} {
		if got := len(manifest.For(role)); got != want {
			t.Errorf("%s needs %d files, want %d", role, got, want)
		}
	}
}
