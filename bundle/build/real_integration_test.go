//go:build integration

package build_test

import (
	"archive/tar"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/bundle/elfdeps"
	"github.com/dualstrap/dualstrap/bundle/oci"
)

// realBundle opens the bundle that `make bundle` builds.
func realBundle(t *testing.T) *bundle.Dir {
	t.Helper()
	dir := os.Getenv("DUALSTRAP_BUNDLE")
	if dir == "" {
		dir = filepath.Join("..", "..", "build", "bundle")
	}
	bundleDir, err := bundle.Open(dir)
	if err != nil {
		t.Fatalf("no bundle, build it: make bundle (%v)", err)
	}
	return bundleDir
}

// claim is a program's command line and the version that it has to report.
type claim struct {
	args []string
	says string
}

// executableClaims has every executable of a bundle for Kubernetes 1.36.3.
func executableClaims() map[string]claim {
	return map[string]claim{
		"kubeadm":                 {[]string{"version", "-o", "short"}, "v1.36.3\n"},
		"kubelet":                 {[]string{"--version"}, "Kubernetes v1.36.3\n"},
		"kubectl":                 {[]string{"version", "--client", "-o", "yaml"}, "gitVersion: v1.36.3\n"},
		"containerd":              {[]string{"--version"}, " v2.4.2"},
		"containerd-shim-runc-v2": {[]string{"-v"}, "v2.4.2"},
		"ctr":                     {[]string{"--version"}, " v2.4.2"},
		"runc":                    {[]string{"--version"}, "runc version 1.5.2\n"},
		"ptp":                     {nil, "CNI ptp plugin v1.9.1\n"},
		"host-local":              {nil, "CNI host-local plugin v1.9.1\n"},
		"loopback":                {nil, "CNI loopback plugin v1.9.1\n"},
		"portmap":                 {nil, "CNI portmap plugin v1.9.1\n"},
	}
}

func TestIntegrationRealExecutables(t *testing.T) {
	t.Parallel()
	bundleDir, out, claims := realBundle(t), t.TempDir(), executableClaims()
	if err := bundleDir.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, file := range bundleDir.Manifest.Files {
		if file.Kind != bundle.KindExecutable {
			continue
		}
		asked, known := claims[file.Name]
		if !known {
			t.Errorf("%s: nobody knows what it says", file.Name)
			continue
		}
		delete(claims, file.Name)
		if err := bundleDir.Extract(file.Name, out); err != nil {
			t.Error(err)
			continue
		}
		path := filepath.Join(out, file.Name)
		if loader, err := elfdeps.Interpreter(path); err != nil || loader != "" {
			t.Errorf("%s is not static: %q, %v", file.Name, loader, err)
		}
		said, err := exec.CommandContext(t.Context(), path, asked.args...).CombinedOutput()
		if err != nil || !strings.Contains(string(said), asked.says) {
			t.Errorf("%s says %q (%v), not %q", file.Name, said, err, asked.says)
		}
	}
	for name := range claims {
		t.Errorf("the bundle lacks %s", name)
	}
}

// inImage has the programs of images and their output when they run in the image, without any other files.
type inImage struct {
	image   string
	program string
	args    []string
	says    string
}

func imageClaims() []inImage {
	const local, sbin = "/usr/local/bin/", "/usr/sbin/"
	return []inImage{
		{"kube-apiserver", local + "kube-apiserver", []string{"--version"}, "Kubernetes v1.36.3\n"},
		{"kube-controller-manager", local + "kube-controller-manager", []string{"--version"}, "Kubernetes v1.36.3\n"},
		{"kube-scheduler", local + "kube-scheduler", []string{"--version"}, "Kubernetes v1.36.3\n"},
		{"kube-proxy", local + "kube-proxy", []string{"--version"}, "Kubernetes v1.36.3\n"},
		{"kube-proxy", sbin + "nft", []string{"--version"}, "nftables v1."},
		{"haproxy", sbin + "haproxy", []string{"-v"}, "HAProxy version " + api.HAProxyVersion},
		{"keepalived", sbin + "keepalived", []string{"--version"}, "Keepalived v" + api.KeepalivedVersion},
		{"keepalived", "/bin/bash", []string{"-c", "read -r line </etc/passwd && echo $line"}, "root:x:0:0:"},
		{"etcd", local + "etcd", []string{"--version"}, "etcd Version: 3.6.16\n"},
		{"coredns", local + "coredns", []string{"-version"}, "CoreDNS-1.14.6\n"},
		{"pause", local + "pause", []string{"-v"}, "pause " + api.PauseVersion + "\n"},
		{"hello", local + "hello", []string{"-version"}, "hello " + api.HelloVersion + "\n"},
		{"dualstrap", local + "dualstrap", []string{"version"}, "dualstrap "},
		// These two report their version when they start, and exit because there is no cluster.
		{"metallb-controller", local + "controller", nil, "version 0.15.2"},
		{"metallb-speaker", local + "speaker", []string{"--node-name=a", "--namespace=b"}, "version 0.15.2"},
	}
}

func TestIntegrationRealImages(t *testing.T) {
	t.Parallel()
	bundleDir := realBundle(t)
	roots := map[string]string{}
	for _, file := range bundleDir.Manifest.Files {
		if file.Kind == bundle.KindImage {
			roots[file.Name] = unpacked(t, bundleDir, file)
		}
	}
	asked := map[string]bool{}
	for _, claim := range imageClaims() {
		root, ok := roots[claim.image]
		if !ok {
			t.Errorf("the bundle lacks the image %s", claim.image)
			continue
		}
		asked[claim.image] = true
		cmd := exec.CommandContext(t.Context(), claim.program, claim.args...)
		cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/local/bin:/usr/sbin"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
		said, err := cmd.CombinedOutput()
		if !strings.Contains(string(said), claim.says) {
			t.Errorf("%s in the image %s says %q (%v), not %q", claim.program, claim.image, said, err, claim.says)
		}
	}
	for name := range roots {
		if !asked[name] {
			t.Errorf("image %s: nobody knows what it says", name)
		}
	}
}

// unpacked writes an image's files to a directory, and checks that the image contains nothing except for the programs,
// the files that they require, and texts.
func unpacked(t *testing.T, bundleDir *bundle.Dir, file bundle.File) string {
	t.Helper()
	root := t.TempDir()
	archive, err := oci.Open(filepath.Join(bundleDir.Dir, filepath.FromSlash(file.Path)))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if archive.Reference != file.Image.Reference || archive.Reference != api.Image(file.Name, file.Version) {
		t.Errorf("%s is %s in the archive and %s in the manifest", file.Name, archive.Reference, file.Image.Reference)
	}
	var programs, rest []string
	err = archive.Walk(func(header *tar.Header, content io.Reader) error {
		path := filepath.Join(root, header.Name)
		if header.Typeflag == tar.TypeDir {
			return os.MkdirAll(path, 0o755)
		}
		data, err := io.ReadAll(content)
		if err != nil {
			return err
		}
		if strings.Contains(header.Name, "bin/") {
			programs = append(programs, "/"+header.Name)
		} else if header.Mode&0o111 != 0 {
			rest = append(rest, "/"+header.Name)
		}
		return os.WriteFile(path, data, header.FileInfo().Mode())
	})
	if err != nil {
		t.Fatal(err)
	}
	var needed []string
	for _, program := range programs {
		names, err := elfdeps.Closure(elfdeps.Root(root), program)
		if err != nil {
			t.Errorf("%s: %v", file.Name, err)
		}
		needed = append(needed, names...)
	}
	for _, name := range rest {
		if !slices.Contains(needed, name) {
			t.Errorf("image %s has %s, which no program in it needs", file.Name, name)
		}
	}
	return root
}
