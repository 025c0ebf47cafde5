package image

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
)

func TestFilesThatHostsNeed(t *testing.T) {
	t.Parallel()
	archive, err := files()
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]int64{}
	reader := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		modes[header.Name] = header.Mode
	}
	for name, mode := range map[string]int64{
		"usr/local/sbin/emulate-os":                0o755,
		"etc/chrony/chrony.conf":                   0o644,
		"etc/systemd/system/ssh-host-keys.service": 0o644,
	} {
		if modes[name] != mode {
			t.Errorf("%s: mode %o, want %o", name, modes[name], mode)
		}
	}
}

func TestPackagesHoldNothingOfKubernetes(t *testing.T) {
	t.Parallel()
	list, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Split(list, ",")
	for _, needed := range []string{"systemd-sysv", "openssh-server", "firewalld", "libpam-systemd", "udev"} {
		if !slices.Contains(names, needed) {
			t.Errorf("%s is not among %v", needed, names)
		}
	}
	for _, name := range names {
		for _, word := range []string{"kube", "containerd", "cri", "docker", "runc", "#", " "} {
			if strings.Contains(name, word) {
				t.Errorf("%q holds %q", name, word)
			}
		}
	}
}

func TestDigestIsStable(t *testing.T) {
	t.Parallel()
	first, err := Digest()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Digest()
	if err != nil || again != first || len(first) != digestLength {
		t.Errorf("%q and %q: %v", first, again, err)
	}
}

func TestCachedImageIsNotBuiltAgain(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	digest, err := Digest()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(Path(cache, digest), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	path, err := Build(t.Context(), cache, func(step string) { t.Errorf("it is at work: %s", step) })
	if err != nil || path != filepath.Join(cache, "image-"+digest+".tar") {
		t.Errorf("%s: %v", path, err)
	}
}

func TestStepsOfABuild(t *testing.T) {
	t.Parallel()
	var steps []string
	w := &stepWriter{step: func(step string) { steps = append(steps, step) }}
	for _, piece := range []string{
		"I: Retrieving InRelease \nI: Retr", "ieving dpkg 1.21\nI: Unpacking dpkg...\n",
		"step: packing\ntar: no space", " left",
	} {
		if n, err := io.WriteString(w, piece); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	if want := []string{"downloading and verifying packages", "unpacking packages", "packing the image"}; !slices.Equal(steps, want) {
		t.Errorf("steps %q, want %q", steps, want)
	}
	if !strings.HasSuffix(w.tail(), "step: packing\ntar: no space left") {
		t.Errorf("tail %q", w.tail())
	}
}
