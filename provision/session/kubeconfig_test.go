package session

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/internal/certtest"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/provision/load/loadtest"
)

// controlPlaneHost is a host that has nothing but the administrator's kubeconfig.
type controlPlaneHost struct {
	remote.Host
	address    netip.Addr
	kubeconfig []byte
}

func (h controlPlaneHost) Address() netip.Addr { return h.address }

func (h controlPlaneHost) ReadFile(_ context.Context, path string) ([]byte, error) {
	if path != adminKubeconfig {
		return nil, fs.ErrNotExist
	}
	return h.kubeconfig, nil
}

// kubeconfigOf returns the administrator's kubeconfig of a cluster with this certificate authority.
func kubeconfigOf(t *testing.T, authority certtest.Authority) []byte {
	t.Helper()
	certificate, key := authority.Issue(t)
	admin := kube.Admin{CA: authority.PEM(), Certificate: certificate, Key: key}
	content, err := admin.Kubeconfig(netip.MustParseAddrPort("10.2.0.175:443"), kube.Names{Cluster: "c", User: "u", Context: "x"})
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// hashOf returns the hash of a certificate authority, as a probe does.
func hashOf(t *testing.T, authority certtest.Authority) string {
	t.Helper()
	hash, err := facts.CAHash(authority.PEM())
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestReadAdminComparesAuthorities(t *testing.T) {
	t.Parallel()
	own, other := certtest.New(t), certtest.New(t)
	for name, test := range map[string]struct {
		// earlier is the authority in this machine's kubeconfig; nodes are the authorities of the second and third host.
		earlier *certtest.Authority
		nodes   []facts.Membership
		want    string
	}{
		"nobody knows it":      {},
		"all know it":          {earlier: &own, nodes: []facts.Membership{{Joined: true, CAHash: hashOf(t, own)}}},
		"an earlier cluster's": {earlier: &other, nodes: []facts.Membership{{}, {CAHash: hashOf(t, other)}}},
		"a node knows another": {
			nodes: []facts.Membership{{}, {Joined: true, CAHash: hashOf(t, other)}}, want: "that of 10.2.0.6 is " + hashOf(t, other),
		},
		"this machine knows another": {earlier: &other, nodes: []facts.Membership{{Joined: true}}, want: "that in "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := Options{Kubeconfig: filepath.Join(t.TempDir(), "c-kubeconfig")}
			if test.earlier != nil {
				if err := os.WriteFile(options.Kubeconfig, kubeconfigOf(t, *test.earlier), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s := openExample(t, "ha.yaml", options)
			for i, member := range test.nodes {
				s.Hosts[i+1].Facts.Membership = member
			}
			host := controlPlaneHost{address: s.Hosts[0].Address, kubeconfig: kubeconfigOf(t, own)}
			admin, err := s.API.readAdmin(t.Context(), host)
			var refused *KubeconfigError
			switch {
			case test.want == "" && (err != nil || string(admin.CA) != string(own.PEM())):
				t.Errorf("it returns %v", err)
			case test.want != "" && (!errors.As(err, &refused) || refused.Host != host.address || !strings.Contains(err.Error(), test.want)):
				t.Errorf("the error is %v, want %s", err, test.want)
			}
		})
	}
}

// openExample returns the hosts of an example.
func openExample(t *testing.T, name string, options Options) *Session {
	t.Helper()
	s, err := Open(loadtest.Example(t, name), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestHostileWorkspaceKubeconfigs tries kubeconfigs in the workspace that are not as dualstrap wrote them.
func TestHostileWorkspaceKubeconfigs(t *testing.T) {
	t.Parallel()
	own := string(kubeconfigOf(t, certtest.New(t)))
	user := func(field string) string { return strings.Replace(own, "  user:\n", "  user:\n    "+field+"\n", 1) }
	for name, test := range map[string]struct{ content, want string }{
		"a file to send":   {user("tokenFile: /root/secret"), `"users[0].user.tokenFile"`},
		"a program to run": {user("exec: {command: /bin/sh}"), `"users[0].user.exec"`},
		"two users":        {strings.Replace(own, "users:\n", "users:\n- name: b\n  user: {}\n", 1), "users has 2 entries instead of 1"},
		"no YAML":          {"\x00", "it is not a YAML document"},
		"nothing":          {"", "apiVersion"},
		"too long":         {own + strings.Repeat("#", 1<<20), "longer than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "c-kubeconfig")
			if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(loadtest.Example(t, "dual-stack.yaml"), Options{Kubeconfig: path})
			var refused *KubeconfigError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), test.want) ||
				!strings.Contains(refused.Hint(), "move the file away") {
				t.Errorf("the error is %v, want %s", err, test.want)
			}
		})
	}
}

func TestRefusalTellsAuthoritiesApart(t *testing.T) {
	t.Parallel()
	earlier, now := certtest.New(t), certtest.New(t)
	path := filepath.Join(t.TempDir(), "c-kubeconfig")
	if err := os.WriteFile(path, kubeconfigOf(t, earlier), 0o600); err != nil {
		t.Fatal(err)
	}
	s := openExample(t, "dual-stack.yaml", Options{Kubeconfig: path})
	member := &s.Hosts[0].Facts.Membership
	*member = facts.Membership{Prepared: true, Server: "https://10.2.0.175:443", PreparedFor: "10.2.0.175:443", CAHash: hashOf(t, earlier)}
	if err := s.RefuseForeign(); err != nil {
		t.Errorf("its own node is refused: %v", err)
	}
	member.CAHash = hashOf(t, now)
	want := "its certificate authority is " + hashOf(t, now) + ", and that in " + path
	if err := s.RefuseForeign(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v, want %s", err, want)
	}
}
