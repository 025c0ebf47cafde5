//go:build integration

package etcd_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/provision/etcd"
)

// timeout is how long a member may take to find the others on a busy machine.
const timeout = 2 * time.Minute

// tool returns the path of a program that bundle extract has put into $DUALSTRAP_TOOLS, or build/tools.
func tool(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("DUALSTRAP_TOOLS")
	if dir == "" {
		dir = filepath.Join("..", "..", "build", "tools")
	}
	path, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: make tools puts it there", err)
	}
	return path
}

// certificates makes etcd's certificates with kubeadm, and returns their directory.
func certificates(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yaml")
	text := `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration: {name: cp}
localAPIEndpoint: {advertiseAddress: 192.0.2.1}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.3
certificatesDir: ` + dir + "\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, phase := range []string{"etcd-ca", "etcd-server", "etcd-peer", "etcd-healthcheck-client"} {
		out, err := exec.CommandContext(t.Context(), tool(t, "kubeadm"), "init", "phase", "certs", phase, "--config", config).CombinedOutput()
		if err != nil {
			t.Fatalf("kubeadm: %v\n%s", err, out)
		}
	}
	return filepath.Join(dir, "etcd")
}

// member is a member of an etcd with several.
type member struct {
	client netip.AddrPort
	peer   string
	cmd    *exec.Cmd
}

// startMembers runs an etcd as kubeadm has it, of several members on the loopback interface.
func startMembers(t *testing.T, certificates string, count int) []member {
	t.Helper()
	members := make([]member, count)
	var cluster []string
	for i := range members {
		members[i].client = freePort(t)
		members[i].peer = "https://" + freePort(t).String()
		cluster = append(cluster, fmt.Sprintf("m%d=%s", i, members[i].peer))
	}
	for i := range members {
		url := "https://" + members[i].client.String()
		cmd := exec.Command(tool(t, "etcd"),
			fmt.Sprintf("--name=m%d", i), "--data-dir="+t.TempDir(), "--unsafe-no-fsync", "--log-level=error",
			"--listen-client-urls="+url, "--advertise-client-urls="+url,
			"--listen-peer-urls="+members[i].peer, "--initial-advertise-peer-urls="+members[i].peer,
			"--initial-cluster="+strings.Join(cluster, ","), "--heartbeat-interval=500", "--election-timeout=5000",
			"--client-cert-auth=true", "--trusted-ca-file="+certificates+"/ca.crt",
			"--cert-file="+certificates+"/server.crt", "--key-file="+certificates+"/server.key",
			"--peer-client-cert-auth=true", "--peer-trusted-ca-file="+certificates+"/ca.crt",
			"--peer-cert-file="+certificates+"/peer.crt", "--peer-key-file="+certificates+"/peer.key")
		cmd.Stderr = t.Output()
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		members[i].cmd = cmd
		t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() }) // it may be dead
	}
	return members
}

func freePort(t *testing.T) netip.AddrPort {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return netip.MustParseAddrPort(listener.Addr().String())
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// eventually waits until a condition reports nothing missing.
func eventually(t *testing.T, missing func() string) {
	t.Helper()
	begun := time.Now()
	for {
		reason := missing()
		if reason == "" {
			return
		}
		if time.Since(begun) > timeout {
			t.Fatalf("still not after %s: %s", timeout, reason)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// TestIntegrationMembers looks at a real etcd of three members, with kubeadm's certificates, and takes out
// one that is dead.
func TestIntegrationMembers(t *testing.T) {
	certs := certificates(t)
	members := startMembers(t, certs, 3)
	client, err := etcd.New(members[0].client, etcd.Credentials{
		CA: read(t, certs+"/ca.crt"), Certificate: read(t, certs+"/healthcheck-client.crt"), Key: read(t, certs+"/healthcheck-client.key"),
	}, func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "tcp", to.String())
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	healthy := func() string {
		found, err := client.Members(t.Context())
		if err != nil {
			return err.Error()
		}
		var words []string
		for _, member := range found {
			if client.Healthy(t.Context(), member) {
				words = append(words, member.Name)
			}
		}
		slices.Sort(words)
		return strings.Join(words, " ")
	}
	expect := func(want string) {
		t.Helper()
		eventually(t, func() string {
			if got := healthy(); got != want {
				return fmt.Sprintf("healthy are %q, want %q", got, want)
			}
			return ""
		})
	}
	expect("m0 m1 m2")
	_, _ = members[2].cmd.Process.Kill(), members[2].cmd.Wait()
	expect("m0 m1")
	found, err := client.Members(t.Context())
	if err != nil || len(found) != 3 {
		t.Fatalf("members: %+v, %v", found, err)
	}
	dead := found[slices.IndexFunc(found, func(m etcd.Member) bool { return m.Name == "m2" })]
	if !slices.Equal(dead.Addresses, []netip.Addr{netip.MustParseAddr("127.0.0.1")}) || dead.Learner || len(dead.Clients) != 1 {
		t.Errorf("the dead member is %+v", dead)
	}
	for range 2 { // removing a member that is gone already succeeds
		if err := client.Remove(t.Context(), dead); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := client.Members(t.Context()); err != nil || len(found) != 2 {
		t.Errorf("members: %+v, %v", found, err)
	}
	expect("m0 m1")
}
