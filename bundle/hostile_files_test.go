package bundle_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/dualstrap/dualstrap/bundle"
)

// TestHostileBundleFiles tries files that differ from the manifest, and manifests that differ from the files. In every
// case the error has to name the file: from Verify and, if the stored file is wrong, from Open.
func TestHostileBundleFiles(t *testing.T) {
	t.Parallel()
	whole, _ := fixture(t)
	const toolFile, innerFile = "bin/tool.gz", "images/inner.tar"
	const isStored, isInside = true, false
	// said changes the manifest's entry of a file, and not the file.
	said := func(change func(*bundle.File)) func(*testing.T, string, *bundle.File) {
		return func(_ *testing.T, _ string, file *bundle.File) { change(file) }
	}
	for name, test := range map[string]struct {
		file   string
		change func(t *testing.T, path string, file *bundle.File)
		stored bool
		want   string
	}{
		"a size too small":            {toolFile, said(func(f *bundle.File) { f.Size = 1 }), isStored, "bytes, not 1"},
		"a size too large":            {toolFile, said(func(f *bundle.File) { f.Size++ }), isStored, "bytes, not"},
		"more than there was":         {innerFile, grow, isStored, "bytes, not"},
		"one bit":                     {innerFile, flipFile, isStored, "its SHA-256 is"},
		"an executable said smaller":  {toolFile, said(func(f *bundle.File) { f.Executable.Size = 1 }), isInside, "more than 1 bytes"},
		"an executable said larger":   {toolFile, said(func(f *bundle.File) { f.Executable.Size++ }), isInside, "bytes, not"},
		"another executable's digest": {toolFile, said(func(f *bundle.File) { f.Executable.SHA256 = f.SHA256 }), isInside, "its SHA-256 is"},
		"another image's digest": {innerFile, said(func(f *bundle.File) {
			f.Image.Digest = "sha256:" + f.SHA256
		}), isInside, "its image's digest is"},
		"another image's name": {innerFile, said(func(f *bundle.File) {
			f.Version, f.Image.Reference = "v2", "dualstrap.dev/inner:v2"
		}), isInside, `its image is "dualstrap.dev/inner:v1", not dualstrap.dev/inner:v2`},
		"a link": {toolFile, replaceBy(func(path string) error {
			return os.Symlink("/etc/hostname", path)
		}), isStored, "not a regular file"},
		"a link to the same":  {toolFile, linkToItself, isStored, "not a regular file"},
		"a pipe":              {toolFile, replaceBy(func(path string) error { return syscall.Mkfifo(path, 0o600) }), isStored, "a regular file"},
		"a directory":         {toolFile, replaceBy(func(path string) error { return os.Mkdir(path, 0o700) }), isStored, "not a regular file"},
		"no bytes":            {toolFile, replaceBy(func(path string) error { return os.WriteFile(path, nil, 0o600) }), isStored, "0 bytes, not"},
		"nothing":             {toolFile, replaceBy(func(string) error { return nil }), isStored, "there is no such file"},
		"a directory's link":  {innerFile, linkDirectory, isStored, "escapes from parent"},
		"an image that is no": {innerFile, noImage, isInside, "cannot read image archive"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			manifest := open(t, dir).Manifest
			for i := range manifest.Files {
				if manifest.Files[i].Path == test.file {
					test.change(t, filepath.Join(dir, test.file), &manifest.Files[i])
				}
			}
			writeManifest(t, dir, manifest)
			bundleDir := open(t, dir)
			var flawed *bundle.FlawedError
			if err := bundleDir.Verify(t.Context()); !errors.As(err, &flawed) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Verify: error %v does not say %q", err, test.want)
			} else if flaw := flawed.Flaws[0]; flaw.Path != test.file {
				t.Errorf("Verify names %s, want %s", flaw.Path, test.file)
			}
			for _, file := range bundleDir.Manifest.Files {
				content, err := bundleDir.Open(file)
				if err == nil {
					content.Close()
				}
				shared := name == "a directory's link" && filepath.Dir(file.Path) == filepath.Dir(test.file)
				wrong := (file.Path == test.file || shared) && test.stored
				if wrong != errors.As(err, &flawed) || wrong && !strings.Contains(err.Error(), test.want) {
					t.Errorf("Open of %s: error %v", file.Path, err)
				}
			}
		})
	}
}

func writeManifest(t *testing.T, dir string, manifest bundle.Manifest) {
	t.Helper()
	data, err := manifest.Encode()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, bundle.ManifestName), data)
}

func grow(t *testing.T, path string, _ *bundle.File) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, append(content, 'x'))
}

func flipFile(t *testing.T, path string, _ *bundle.File) {
	t.Helper()
	flip(t, path)
}

func replaceBy(make func(path string) error) func(*testing.T, string, *bundle.File) {
	return func(t *testing.T, path string, _ *bundle.File) {
		t.Helper()
		if err := errors.Join(os.Remove(path), make(path)); err != nil {
			t.Fatal(err)
		}
	}
}

// linkToItself replaces a file by a link to its own content.
func linkToItself(t *testing.T, path string, _ *bundle.File) {
	t.Helper()
	elsewhere := filepath.Join(t.TempDir(), "content")
	if err := errors.Join(os.Rename(path, elsewhere), os.Symlink(elsewhere, path)); err != nil {
		t.Fatal(err)
	}
}

// linkDirectory replaces a directory by a link to the same files outside of the bundle.
func linkDirectory(t *testing.T, path string, _ *bundle.File) {
	t.Helper()
	elsewhere := filepath.Join(t.TempDir(), "images")
	if err := errors.Join(os.Rename(filepath.Dir(path), elsewhere), os.Symlink(elsewhere, filepath.Dir(path))); err != nil {
		t.Fatal(err)
	}
}

// noImage replaces an image by data that is not an image's archive, with a matching manifest.
func noImage(t *testing.T, path string, file *bundle.File) {
	t.Helper()
	content := []byte("no archive")
	write(t, path, content)
	file.Size, file.SHA256 = int64(len(content)), digest(content)
}

// TestHostileNamesToExtract tries names that lead out of the directory, from a manifest that Open would have refused.
func TestHostileNamesToExtract(t *testing.T) {
	t.Parallel()
	dir, _ := fixture(t)
	for _, name := range []string{"../x", "../../x", "ABOVE/x", "..", ".", "", "c/x"} {
		t.Run(strconv.Quote(name), func(t *testing.T) {
			t.Parallel()
			above := t.TempDir()
			name = strings.Replace(name, "ABOVE", above, 1)
			bundleDir := open(t, dir)
			bundleDir.Manifest.Files[0].Name = name
			if err := bundleDir.Extract(name, filepath.Join(above, "a", "b")); err == nil {
				t.Errorf("%q is extracted", name)
			}
			entries, err := os.ReadDir(above)
			if err != nil || len(entries) != 0 {
				t.Errorf("there is %v, %v, want nothing", entries, err)
			}
		})
	}
}

// TestOpenVerifiesOnce checks that a file is verified once. Later changes are for the receiver of the content to
// detect.
func TestOpenVerifiesOnce(t *testing.T) {
	t.Parallel()
	dir, _ := fixture(t)
	bundleDir := open(t, dir)
	file := bundleDir.Manifest.Files[0]
	for range 2 {
		content, err := bundleDir.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		content.Close()
		flip(t, filepath.Join(dir, file.Path))
	}
	_, err := bundleDir.Open(bundle.File{Path: "bin/other.gz"})
	if err == nil || !strings.Contains(err.Error(), `does not list "bin/other.gz"`) {
		t.Errorf("a file that is not listed: %v", err)
	}
}
