//go:build integration

package build_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/bundle"
)

// TestContainerdImportsAndRuns imports the images with the bundle's containerd, as hosts do, and runs one with the
// bundle's runc.
func TestIntegrationContainerdImportsAndRuns(t *testing.T) {
	t.Parallel()
	bundleDir, bin := realBundle(t), t.TempDir()
	for _, name := range []string{"containerd", "containerd-shim-runc-v2", "ctr", "runc"} {
		if err := bundleDir.Extract(name, bin); err != nil {
			t.Fatal(err)
		}
	}
	ctr := startContainerd(t, bin)
	var listed []string
	for _, file := range bundleDir.Manifest.Files {
		if file.Kind == bundle.KindImage {
			ctr("images", "import", filepath.Join(bundleDir.Dir, filepath.FromSlash(file.Path)))
			listed = append(listed, file.Image.Reference)
		}
	}
	known := strings.Fields(ctr("images", "list", "--quiet"))
	for _, reference := range listed {
		if !strings.Contains(strings.Join(known, "\n")+"\n", reference+"\n") {
			t.Errorf("containerd has %q, not %s", known, reference)
		}
	}
	image := listed[0]
	for _, reference := range listed {
		if strings.Contains(reference, "/kube-proxy:") {
			image = reference
		}
	}
	// The program is started by name, which the PATH in the image resolves.
	said := ctr("run", "--rm", "--runc-binary="+filepath.Join(bin, "runc"), image, "dualstrap-test", "nft", "--version")
	if !strings.Contains(said, "nftables v1.") {
		t.Errorf("nft in a container says %q", said)
	}
	// nft knows protocols by name, which kube-proxy relies on.
	said = ctr("run", "--rm", "--runc-binary="+filepath.Join(bin, "runc"), image, "dualstrap-test", "nft", "describe", "inet_proto")
	if !strings.Contains(said, "sctp") {
		t.Errorf("nft in a container knows of protocols %q", said)
	}
}

// startContainerd starts a containerd for the test and returns a function that runs ctr with it.
func startContainerd(t *testing.T, bin string) func(args ...string) string {
	t.Helper()
	state, err := os.MkdirTemp("", "dualstrap") //nolint:usetesting // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(state); err != nil {
			t.Error(err)
		}
	})
	socket, config := filepath.Join(state, "c.sock"), filepath.Join(state, "config.toml")
	settings := fmt.Sprintf("version = 3\nroot = %q\nstate = %q\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = %q\n",
		filepath.Join(state, "root"), filepath.Join(state, "run"), socket)
	if err := os.WriteFile(config, []byte(settings), 0o644); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "containerd.log"))
	if err != nil {
		t.Fatal(err)
	}
	daemon := exec.CommandContext(t.Context(), filepath.Join(bin, "containerd"), "--config", config)
	daemon.Stdout, daemon.Stderr = log, log
	daemon.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	daemon.Cancel = func() error { return daemon.Process.Signal(os.Interrupt) }
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Process.Signal(os.Interrupt)
		_ = daemon.Wait()
	})
	run := func(args ...string) ([]byte, error) {
		args = append([]string{"--address=" + socket}, args...)
		return exec.CommandContext(t.Context(), filepath.Join(bin, "ctr"), args...).CombinedOutput()
	}
	for range 600 {
		if _, err := run("version"); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return func(args ...string) string {
		out, err := run(args...)
		if err != nil {
			said, _ := os.ReadFile(log.Name())
			t.Fatalf("ctr %s: %v\n%s\ncontainerd:\n%s", strings.Join(args, " "), err, out, said)
		}
		return string(out)
	}
}
