//go:build integration

package debian

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// archive is a repository with one package, app, and a key that signs it, together with a private state of apt.
type archive struct{ dir string }

func (a archive) path(name string) string { return filepath.Join(a.dir, name) }

func (a archive) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(a.path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.path(name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (a archive) run(t *testing.T, program string, args ...string) string {
	t.Helper()
	// Cleanup functions run programs as well, when the test's context is already canceled.
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, args...)
	cmd.Env = append(os.Environ(), "GNUPGHOME="+a.path("gnupg"), "APT_CONFIG="+a.path("apt.conf"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return string(out)
}

// newArchive creates the repository. One of two keys signs it.
func newArchive(t *testing.T) archive {
	t.Helper()
	dir, err := os.MkdirTemp("", "archive") //nolint:usetesting // apt downloads as a user without access to t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	a := archive{dir: dir}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(a.path("gnupg"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.run(t, "gpgconf", "--kill", "all") })
	a.write(t, "app/DEBIAN/control", "Package: app\nVersion: 1\nArchitecture: amd64\nMaintainer: a <a@example.com>\nDescription: app\n")
	a.write(t, "app/usr/bin/app", "app\n")
	a.write(t, "repo/marker", "")
	a.run(t, "dpkg-deb", "--build", "--root-owner-group", a.path("app"), a.path("repo/app_1_amd64.deb"))
	deb, err := os.ReadFile(a.path("repo/app_1_amd64.deb"))
	if err != nil {
		t.Fatal(err)
	}
	packages := fmt.Sprintf("Package: app\nVersion: 1\nArchitecture: amd64\nMaintainer: a <a@example.com>\nDescription: app\n"+
		"Filename: ./app_1_amd64.deb\nSize: %d\nSHA256: %x\n", len(deb), sha256.Sum256(deb))
	a.write(t, "repo/Packages", packages)
	release := fmt.Sprintf("Origin: test\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n %x %d Packages\n",
		sha256.Sum256([]byte(packages)), len(packages))
	a.write(t, "Release", release)
	for _, name := range []string{"ann", "eve"} {
		a.run(t, "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", name+"@example.com", "ed25519", "sign")
		a.run(t, "gpg", "--batch", "--output", a.path(name+".gpg"), "--export", name+"@example.com")
	}
	for _, empty := range []string{"state/lists/partial/x", "cache/archives/partial/x", "etc/preferences.d/x.off", "status"} {
		a.write(t, empty, "")
	}
	return a
}

// sign signs the repository's index, or leaves it unsigned if the name is empty.
func (a archive) sign(t *testing.T, name string) {
	t.Helper()
	if name == "" {
		return
	}
	a.run(t, "gpg", "--batch", "--local-user", name+"@example.com", "--output", a.path("repo/InRelease"), "--clearsign", a.path("Release"))
}

// configure writes the machine's configuration of apt.
func (a archive) configure(t *testing.T, source, settings string) {
	t.Helper()
	a.write(t, "etc/sources.list", source+"\n")
	a.write(t, "apt.conf", fmt.Sprintf("Dir::Etc %q;\nDir::Etc::sourcelist %q;\nDir::Etc::sourceparts \"-\";\nDir::State %q;\n"+
		"Dir::State::status %q;\nDir::Cache %q;\n%s\n",
		a.path("etc"), a.path("etc/sources.list"), a.path("state"), a.path("status"), a.path("cache"), settings))
}

const lax = `APT::Get::AllowUnauthenticated "true"; APT::Get::Force-Yes "true"; Acquire::AllowInsecureRepositories "true";
Acquire::AllowWeakRepositories "true"; Acquire::AllowDowngradeToInsecureRepositories "true";`

// TestOnlySignedPackages resolves packages on machines that are configured to accept unsigned packages, or packages
// with another signer. The machine's own apt-get accepts all of them.
func TestIntegrationOnlySignedPackages(t *testing.T) {
	for name, test := range map[string]struct{ signedBy, options, settings, want string }{
		"signed":                   {"ann", "signed-by=DIR/ann.gpg", "", ""},
		"signed, on a lax machine": {"ann", "signed-by=DIR/ann.gpg", lax, ""},
		"trusted":                  {"", "trusted=yes", "", "regardless of who has signed it, because its source DIR/etc/sources.list:1 is"},
		"trusted, of another":      {"eve", "trusted=yes signed-by=DIR/ann.gpg", "", "is configured as trusted"},
		"trusted, and signed":      {"ann", "trusted=yes signed-by=DIR/ann.gpg", "", "is configured as trusted"},
		"insecure source": {
			"", "allow-insecure=yes", `APT::Get::AllowUnauthenticated "true";`, "no one has signed the source DIR/etc/sources.list:1",
		},
		"insecure machine":             {"", "signed-by=DIR/ann.gpg", lax, "no one has signed the source"},
		"insecure machine, of another": {"eve", "signed-by=DIR/ann.gpg", lax, "no one has signed the source"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newArchive(t)
			a.sign(t, test.signedBy)
			a.configure(t, "deb ["+strings.ReplaceAll(test.options, "DIR", a.dir)+"] copy:"+a.path("repo")+" ./", test.settings)
			a.run(t, "apt-get", "update")
			a.run(t, "apt-get", "--yes", "--download-only", "install", "app")
			t.Setenv("APT_CONFIG", a.path("apt.conf"))
			unpacked := t.TempDir()
			for what, err := range map[string]error{
				"resolve": resolveApp(t), "unpack": Unpack(t.Context(), unpacked, []string{"app"}, Closure{"app_1_amd64.deb"}),
			} {
				want := strings.ReplaceAll(test.want, "DIR", a.dir)
				if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("%s: error %v, want %q", what, err, want)
				}
			}
			content, err := os.ReadFile(filepath.Join(unpacked, "usr/bin/app"))
			if (err == nil && string(content) == "app\n") != (test.want == "") {
				t.Errorf("unpacked is %q, %v", content, err)
			}
		})
	}
}

func resolveApp(t *testing.T) error {
	t.Helper()
	closure, err := Resolve(t.Context(), []string{"app"})
	if err == nil && (len(closure) != 1 || closure[0] != "app_1_amd64.deb") {
		t.Errorf("closure %q", closure)
	}
	return err
}

// TestDownloadsAreSandboxed downloads as root. apt then downloads as another user if that user has access to the
// directory.
func TestIntegrationDownloadsAreSandboxed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("run it as root: apt has nothing to drop otherwise")
	}
	a := newArchive(t)
	a.sign(t, "ann")
	a.configure(t, "deb [signed-by="+a.path("ann.gpg")+"] copy:"+a.path("repo")+" ./", "")
	a.run(t, "apt-get", "update")
	t.Setenv("APT_CONFIG", a.path("apt.conf"))
	state, err := newApt()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := state.close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := state.install(t.Context(), "--download-only", []string{"app"}); err != nil {
		t.Fatal(err)
	}
	partial, err := os.Stat(filepath.Join(state.scratch, "archives", "partial"))
	if err != nil {
		t.Fatal(err)
	}
	owner := a.run(t, "stat", "--format=%U", filepath.Join(state.scratch, "archives", "partial"))
	if strings.TrimSpace(owner) != "_apt" || partial.Mode().Perm() != 0o700 {
		t.Errorf("downloads are written by %q, mode %v", owner, partial.Mode())
	}
	// apt warns if it downloads as root instead of its own user, which it must not have to here.
	out := a.run(t, "apt-get", "-o", "Dir::State::status="+filepath.Join(state.scratch, "status"),
		"-o", "Dir::Cache::archives="+filepath.Join(state.scratch, "archives"), "-o", "Debug::NoLocking=true",
		"--yes", "--reinstall", "--download-only", "install", "app")
	if strings.Contains(out, "unsandboxed") {
		t.Errorf("apt says %q", out)
	}
}
