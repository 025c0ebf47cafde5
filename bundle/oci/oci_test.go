package oci_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/bundle/oci"
)

type text struct{ *strings.Reader }

func (text) Close() error { return nil }

func file(path, content string, mode os.FileMode) oci.File {
	return oci.File{Path: path, Mode: mode, Open: func() (io.ReadCloser, error) { return text{strings.NewReader(content)}, nil }}
}

func image() oci.Image {
	return oci.Image{
		Reference:  "dualstrap.dev/test:v1",
		Entrypoint: []string{"/usr/local/bin/test"},
		User:       "65532:65532",

		Environment: []string{"A=b"},
		Files: []oci.File{
			file("/usr/local/bin/test", strings.Repeat("program", 1000), 0o755),
			file("/etc/passwd", "root\n", 0o644),
		},
	}
}

func written(t *testing.T, image oci.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := oci.Write(&out, image); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func opened(t *testing.T, data []byte) *oci.Archive {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	archive, err := oci.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := archive.Close(); err != nil {
			t.Error(err)
		}
	})
	return archive
}

func TestTheSameImageGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	turned := image()
	slices.Reverse(turned.Files)
	first, second := written(t, image()), written(t, turned)
	if !bytes.Equal(first, second) {
		t.Error("two archives of one image differ")
	}
	changed := image()
	changed.Files[1] = file("/etc/passwd", "root!\n", 0o644)
	if bytes.Equal(first, written(t, changed)) {
		t.Error("archives of two images are equal")
	}
}

func TestArchiveHoldsWhatWasWritten(t *testing.T) {
	t.Parallel()
	archive := opened(t, written(t, image()))
	if archive.Reference != "dualstrap.dev/test:v1" || archive.Config.User != "65532:65532" ||
		!slices.Equal(archive.Config.Entrypoint, []string{"/usr/local/bin/test"}) || !slices.Contains(archive.Config.Env, "A=b") {
		t.Errorf("archive of %s with configuration %+v", archive.Reference, archive.Config)
	}
	var got []string
	err := archive.Walk(func(header *tar.Header, content io.Reader) error {
		data, err := io.ReadAll(content)
		if header.Uid != 0 || header.Gid != 0 || header.ModTime.Unix() != 0 {
			t.Errorf("%s belongs to %d:%d and is of %v", header.Name, header.Uid, header.Gid, header.ModTime)
		}
		got = append(got, header.FileInfo().Mode().String()+" "+header.Name+" "+string(data[:min(len(data), 7)]))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"drwxr-xr-x etc/ ", "-rw-r--r-- etc/passwd root\n",
		"drwxr-xr-x usr/ ", "drwxr-xr-x usr/local/ ", "drwxr-xr-x usr/local/bin/ ", "-rwxr-xr-x usr/local/bin/test program",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("layer (-want +got):\n%s", diff)
	}
}

func TestArchiveLooksLikeOneToContainerd(t *testing.T) {
	t.Parallel()
	members := map[string]string{}
	reader := tar.NewReader(bytes.NewReader(written(t, image())))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		members[header.Name] = string(content)
	}
	if members["oci-layout"] != `{"imageLayoutVersion":"1.0.0"}` {
		t.Errorf("oci-layout is %q", members["oci-layout"])
	}
	for _, want := range []string{`"io.containerd.image.name":"dualstrap.dev/test:v1"`, `"architecture":"amd64"`} {
		if !strings.Contains(members["index.json"], want) {
			t.Errorf("index.json has no %s: %s", want, members["index.json"])
		}
	}
	if len(members) != 5 {
		t.Errorf("%d members, want a layout, an index, a manifest, a configuration and a layer", len(members))
	}
}

func TestWriteNamesTheImageAndTheFile(t *testing.T) {
	t.Parallel()
	broken := image()
	broken.Files[0].Open = func() (io.ReadCloser, error) { return os.Open("/does/not/exist") }
	err := oci.Write(io.Discard, broken)
	for _, want := range []string{"dualstrap.dev/test:v1", "/usr/local/bin/test", "no such file"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

// TestHostileImageArchives tries archives that are incomplete or do not contain an image.
func TestHostileImageArchives(t *testing.T) {
	t.Parallel()
	for name, content := range map[string][]byte{"garbage": []byte("garbage"), "empty": nil, "cut off": written(t, image())[:3000]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "image.tar")
			if err := os.WriteFile(path, content, 0o644); err != nil {
				t.Fatal(err)
			}
			if archive, err := oci.Open(path); err == nil {
				t.Errorf("it is an image, closing it: %v", archive.Close())
			}
		})
	}
}
