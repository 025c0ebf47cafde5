package cmd_test

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/cmd"
	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// hostileKubeconfig has kubectl and every other user of client-go run a program.
const hostileKubeconfig = `apiVersion: v1
kind: Config
current-context: x
clusters:
- name: c
  cluster: {server: "https://10.2.0.175:443", insecure-skip-tls-verify: true}
contexts:
- name: x
  context: {cluster: c, user: u}
users:
- name: u
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      interactiveMode: Never
      command: /usr/bin/touch
      args: [%q]
`

// TestHostileKubeconfig: a control plane node must not be able to run programs on the machine of its administrator.
func TestHostileKubeconfig(t *testing.T) {
	dir := t.TempDir()
	marker := filepath.Join(dir, "marker")
	manifest := serveCluster(t, dir, fmt.Sprintf(hostileKubeconfig, marker))
	var out, errs bytes.Buffer
	code := cmd.Main([]string{"check", "cluster", "-f", manifest, "--bundle", filepath.Join(dir, "none")}, strings.NewReader(""), &out, &errs)
	if _, err := os.Stat(marker); err == nil {
		t.Error("the host's program ran on this machine")
	}
	for _, want := range []string{"10.2.0.4: /etc/kubernetes/admin.conf", `"clusters[0].cluster.insecure-skip-tls-verify"`} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("it does not say %s:\n%s", want, errs.String())
		}
	}
	if code != cli.ExitRefused {
		t.Errorf("exit code %d, want %d", code, cli.ExitRefused)
	}
}

// serveCluster makes an SSH server stand for all hosts of a cluster, all of which are nodes with the administrator's
// kubeconfig. It returns the path of the manifests.
func serveCluster(t *testing.T, dir, kubeconfig string) string {
	t.Helper()
	member := remotetest.Member{Address: freeAddress(t)}
	scripts, err := fleetScripts([]remotetest.Member{member})
	if err != nil {
		t.Fatal(err)
	}
	look, err := os.ReadFile("../provision/scripts/look.sh")
	if err != nil {
		t.Fatal(err)
	}
	reply := func(said remotetest.Said) func(netip.Addr, []string) *remotetest.Reply {
		return func(netip.Addr, []string) *remotetest.Reply { return remotetest.NewReply(said) }
	}
	scripts = append(scripts,
		remotetest.Scripted{Name: "look", Body: string(look), Reply: reply(remotetest.Said{Name: "joined"})},
		remotetest.Scripted{
			Name: "read", Body: `if [ -e "$1" ]; then answer content cat -- "$1"; else answer missing :; fi`,
			Reply: reply(remotetest.Said{Name: "content", Output: kubeconfig}),
		})
	fleet, err := remotetest.NewFleet(dir, []remotetest.Member{member}, scripts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fleet.Close)
	manifest, err := os.ReadFile("../examples/dual-stack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	manifest = fmt.Appendf(manifest, fleetOptions, filepath.Join(dir, remotetest.LoginKey), filepath.Join(dir, remotetest.KnownHosts))
	t.Setenv("HOME", dir)
	t.Setenv("SSH_AUTH_SOCK", "")
	config := fmt.Sprintf("Host 10.2.0.*\n  HostName %s\n  Port %d\n", member.Address.Addr(), member.Address.Port())
	for path, content := range map[string][]byte{"cluster.yaml": manifest, ".ssh/config": []byte(config)} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cluster.yaml")
}

// freeAddress returns an address of loopback that nothing listens at.
func freeAddress(t *testing.T) netip.AddrPort {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // it has served
	return listener.Addr().(*net.TCPAddr).AddrPort()
}
