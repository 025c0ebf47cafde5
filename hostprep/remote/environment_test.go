package remote_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// TestEnvironment checks that scripts have what they need in their environment, whatever that of the login is: the programs of nodes, no
// proxies except where a script asks for them, and no startup file of a shell.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	for _, name := range []string{".bashrc", "startup"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte("echo hello from "+name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The PATH is the secure_path of RHEL's sudoers. A bash in a script reads .bashrc where it finds SSH_CLIENT and no SHLVL.
	server := remotetest.NewServer(t, remotetest.Options{Shell: []string{"/bin/sh", "-c"}, Env: []string{
		"PATH=/sbin:/bin:/usr/sbin:/usr/bin", "HOME=" + home, "SSH_CLIENT=10.2.0.1 50000 22", "BASH_ENV=" + home + "/startup",
		"ENV=" + home + "/startup", "https_proxy=http://user:word@10.2.0.9:3128", "HTTP_PROXY=http://10.2.0.9:3128", "no_proxy=localhost, *",
		"kept=as it is",
	}})
	answer, err := connect(t, server).Probe(bound(t), remote.Script{Name: "environment", Body: `
answer path printf %s "$PATH"
answer bash env -u SHLVL bash -c 'echo only this'
answer without env
answer with with_proxies sh -c 'printf "%s, %s, %s" "$https_proxy" "$HTTP_PROXY" "$no_proxy"'
answer after env
`})
	if err != nil {
		t.Fatal(err)
	}
	const own = "/sbin:/bin:/usr/sbin:/usr/bin:"
	if got := answer.Text("path"); !strings.HasPrefix(got, own) || !strings.Contains(got, ":/usr/local/sbin:/usr/local/bin:") {
		t.Errorf("PATH: %s", got)
	}
	if got := answer.Text("bash"); got != "only this" {
		t.Errorf("a bash answers %q", got)
	}
	for _, name := range []string{"without", "after"} {
		got := answer.Text(name)
		if strings.Contains(strings.ToLower(got), "_proxy") || strings.Contains(got, "3128") || !strings.Contains(got, "kept=as it is") {
			t.Errorf("%s: the environment is\n%s", name, got)
		}
	}
	if got, want := answer.Text("with"), "http://user:word@10.2.0.9:3128, http://10.2.0.9:3128, localhost, *"; got != want {
		t.Errorf("with proxies: %q, want %q", got, want)
	}
}
