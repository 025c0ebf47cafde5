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
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// foreignKubeconfig returns a kubeconfig whose cluster or user has fields that kubeadm does not write.
func foreignKubeconfig(cluster, user string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: x
clusters:
- name: c
  cluster: {server: "https://10.2.0.175:443"%s}
contexts:
- name: x
  context: {cluster: c, user: u}
users:
- name: u
  user: {%s}
`, cluster, user)
}

// TestHostileKubeconfigs tries control plane nodes whose kubeconfigs would run a program on the administrator's machine,
// send a file from it, or connect elsewhere: they are refused, and nothing runs.
func TestHostileKubeconfigs(t *testing.T) {
	for name, test := range map[string]struct{ cluster, user, want string }{
		"a program": {
			user: "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: touch, args: [MARKER]}",
			want: `"users[0].user.exec"`,
		},
		"a file":             {user: "tokenFile: /etc/passwd", want: `"users[0].user.tokenFile"`},
		"a certificate":      {user: "client-certificate: /etc/passwd", want: `"users[0].user.client-certificate"`},
		"a proxy":            {cluster: ", proxy-url: http://127.0.0.1:1", want: `"clusters[0].cluster.proxy-url"`},
		"anybody's identity": {cluster: ", insecure-skip-tls-verify: true", want: `"clusters[0].cluster.insecure-skip-tls-verify"`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			marker := filepath.Join(dir, "marker")
			manifest := serveCluster(t, dir, foreignKubeconfig(test.cluster, strings.Replace(test.user, "MARKER", marker, 1)))
			var out, errs bytes.Buffer
			args := []string{"check", "cluster", "-f", manifest, "--bundle", filepath.Join(dir, "none")}
			code := cmd.Main(args, strings.NewReader(""), &out, &errs)
			if _, err := os.Stat(marker); err == nil {
				t.Error("the host's program ran on this machine")
			}
			for _, want := range []string{"10.2.0.4: /etc/kubernetes/admin.conf", test.want} {
				if !strings.Contains(errs.String(), want) {
					t.Errorf("it does not say %s:\n%s", want, errs.String())
				}
			}
			if code != cli.ExitRefused {
				t.Errorf("exit code %d, want %d", code, cli.ExitRefused)
			}
		})
	}
}

// serveCluster starts an SSH server that stands in for all hosts of a cluster. All are nodes with the given kubeconfig as
// the administrator's. It returns the path of the manifests.
func serveCluster(t *testing.T, dir, kubeconfig string) string {
	t.Helper()
	member := remotetest.Member{Address: freeAddress(t)}
	scripts, err := fleetScripts([]remotetest.Member{member})
	if err != nil {
		t.Fatal(err)
	}
	look, err := os.ReadFile("../provision/session/scripts/join_state.sh")
	if err != nil {
		t.Fatal(err)
	}
	read, err := os.ReadFile("../hostprep/remote/scripts/read.sh")
	if err != nil {
		t.Fatal(err)
	}
	reply := func(said remotetest.Said) func(netip.Addr, remote.Args) *remotetest.Reply {
		return func(netip.Addr, remote.Args) *remotetest.Reply { return remotetest.NewReply(said) }
	}
	scripts = append(scripts,
		remotetest.Scripted{Name: "join state", Body: string(look), Reply: reply(remotetest.Said{Name: "joined"})},
		remotetest.Scripted{
			Name: "read", Body: string(read), Reply: reply(remotetest.Said{Name: "content", Output: kubeconfig}),
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

// freeAddress returns an address of the loopback interface at which nothing listens.
func freeAddress(t *testing.T) netip.AddrPort {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).AddrPort()
}
