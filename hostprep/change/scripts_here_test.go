package change

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/osfamily"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// localHost is this machine as a host whose scripts keep their record, and the lock, in a directory of the test.
type localHost struct {
	remote.Host
	dir string
}

// here returns this machine as a host that runs scripts with the given shell. Its systemctl, ctr and package managers are
// stand-ins, which append their arguments to the file calls; firewalld does not run.
func here(t *testing.T, shell string) localHost {
	t.Helper()
	path, err := exec.LookPath(shell)
	if err != nil {
		t.Fatalf("%s is missing: apt-get install %s", shell, shell)
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, filepath.Join(bin, "sh")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"systemctl": "case \"$*\" in *is-active*) exit 3 ;; esac\n",
		// The first call of apt-get install fails, as it does with outdated lists.
		"apt-get": "case $1 in update) : >'" + dir + "/updated' ;; install) [ -e '" + dir + "/updated' ] ;; esac\n",
		"dpkg":    "case \"$*\" in *needed) exit 1 ;; esac\n",
		"dnf":     "",
		"rpm":     "case \"$*\" in *needed) exit 1 ;; esac\n",
		"ctr":     "case \"$*\" in *'images ls') echo 'REF TYPE DIGEST SIZE'; echo 'a/b:1 type sha256:1 9' ;; esac\n",
	} {
		text = fmt.Sprintf("#!/bin/sh\necho \"%s $*\" >>'%s/calls'\n%s", name, dir, text)
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	server := remotetest.NewServer(t, remotetest.Options{Env: []string{"PATH=" + bin + ":" + os.Getenv("PATH")}})
	pool, err := remote.NewPool(server.Settings())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	host, err := pool.Host(t.Context(), server.Addr().Addr())
	if err != nil {
		t.Fatal(err)
	}
	return localHost{Host: host, dir: dir}
}

// local returns a script that uses the test's directory.
func (h localHost) local(script remote.Script) remote.Script {
	script.Body = strings.NewReplacer(stateDir, h.dir+"/state", "/run/dualstrap-changes.lock", h.dir+"/lock").Replace(script.Body)
	return script
}

func (h localHost) Probe(ctx context.Context, script remote.Script) (remote.Answer, error) {
	return h.Host.Probe(ctx, h.local(script))
}

func (h localHost) Run(ctx context.Context, script remote.Script) (remote.Answer, error) {
	return h.Host.Run(ctx, h.local(script))
}

// files returns the content of all files in the directory, but for what the test itself has put there.
func (h localHost) files(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(h.dir+"/etc", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, h.dir)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// calls returns the calls of stand-ins.
func (h localHost) calls(t *testing.T) string {
	t.Helper()
	calls, err := os.ReadFile(h.dir + "/calls")
	if err != nil {
		t.Fatal(err)
	}
	return string(calls)
}

// TestChangeAndUndoHere changes files of this machine and undoes that, with real scripts. The names of the files have what a
// shell would take apart.
func TestChangeAndUndoHere(t *testing.T) {
	t.Parallel()
	account, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for _, shell := range []string{"dash", "bash"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			host := here(t, shell)
			before := map[string]string{"/etc/it's old.conf": "old\n", "/etc/tree/* kept": "kept\n", "/etc/tree/gone": "gone\n", "/etc/other": "\n"}
			for path, content := range before {
				if err := os.MkdirAll(filepath.Dir(host.dir+path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(host.dir+path, []byte(content), 0o640); err != nil {
					t.Fatal(err)
				}
			}
			file := func(path, content string) File {
				return File{Path: host.dir + path, Mode: 0o600, Owner: account.Uid + ":" + account.Gid, Content: []byte(content)}
			}
			desired := Desired{
				Files:    []File{file("/etc/it's old.conf", "new\n"), file("/etc/dir 1/dir 2/*", "new\n"), file("/etc/mark/last", "")},
				Baseline: Baseline{Trees: []Tree{{Path: host.dir + "/etc/tree", Copy: true}, {Path: host.dir + "/etc/new tree"}}},
			}
			plan := func() []Action {
				state, err := Survey(t.Context(), host, desired)
				if err != nil {
					t.Fatal(err)
				}
				return Plan(state, desired)
			}
			if err := Apply(t.Context(), host, plan(), nil); err != nil {
				t.Fatal(err)
			}
			if left := plan(); len(left) > 0 {
				t.Errorf("this is still to do: %v", left)
			}
			want := map[string]string{
				"/etc/it's old.conf": "new\n", "/etc/dir 1/dir 2/*": "new\n", "/etc/mark/last": "",
				"/etc/tree/* kept": "kept\n", "/etc/tree/gone": "gone\n", "/etc/other": "\n",
			}
			if diff := cmp.Diff(want, host.files(t)); diff != "" {
				t.Errorf("after the change (-want +got):\n%s", diff)
			}
			// Another program changes the trees afterwards.
			changed := exec.CommandContext(t.Context(), "sh", "-euc",
				"rm tree/gone; echo x >>'tree/* kept'; echo x >'tree/a b'; mkdir 'new tree'; : >'new tree/c'")
			changed.Dir = host.dir + "/etc"
			if out, err := changed.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if err := Undo(t.Context(), host, osfamily.Of("debian"), host.dir+"/etc/mark/last"); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, host.files(t)); diff != "" {
				t.Errorf("after the undo (-want +got):\n%s", diff)
			}
			for _, path := range []string{"/state", "/etc/dir 1", "/etc/mark", "/etc/new tree"} {
				if _, err := os.Stat(host.dir + path); !os.IsNotExist(err) {
					t.Errorf("%s is left: %v", path, err)
				}
			}
		})
	}
}

// TestScriptsHere runs the scripts that change more than files, with stand-ins.
func TestScriptsHere(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"dash", "bash"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			host := here(t, shell)
			program := filepath.Join(host.dir, "it's a program")
			if err := os.WriteFile(program, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			err := run(t.Context(), host, "settings", "system", remote.Args{
				"modules": "", "sysctls": "", "reload": "yes", "enable": remote.Lines("a.service", "b.service"), "start": "a.service",
				"restart": "", "digests": sumOf([]byte("x")) + "  " + program, "archives": "",
			})
			if err != nil {
				t.Fatal(err)
			}
			for reference, want := range map[string]string{"a/b:1": "", "a/b:2": "has the digest none, not sha256:1"} {
				err := run(t.Context(), host, "import", "import", remote.Args{"archive": program, "reference": reference, "digest": "sha256:1"})
				if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("import of %s: %v, want %q", reference, err, want)
				}
			}
			want := "systemctl daemon-reload\nsystemctl enable --quiet -- a.service b.service\nsystemctl start -- a.service\n" +
				"ctr -n k8s.io images import " + program + "\nctr -n k8s.io images ls\n"
			if got := host.calls(t); !strings.HasPrefix(got, want) {
				t.Errorf("calls %q, want %q", got, want)
			}
			known, err := os.ReadFile(host.dir + "/state/digests" + program)
			if err != nil || !strings.HasSuffix(string(known), "\n"+sumOf([]byte("x"))+"\n") {
				t.Errorf("the host remembers %q, %v", known, err)
			}
		})
	}
}

// TestPackagesHere installs and removes packages with the scripts of each family, and stand-ins.
func TestPackagesHere(t *testing.T) {
	t.Parallel()
	const aptInstall = "apt-get install --yes --quiet --no-install-recommends -o DPkg::Lock::Timeout=120 -- a b-c\n"
	for id, want := range map[string]string{
		"debian": "dpkg --configure --pending\n" + aptInstall + "apt-get update --quiet\n" + aptInstall +
			"dpkg --remove -- needed\ndpkg --remove -- b-c\n",
		"rhel": "dnf install --assumeyes --quiet -- a b-c\nrpm --erase -- needed\nrpm --erase -- b-c\n",
		"sles": "",
	} {
		for _, shell := range []string{"dash", "bash"} {
			t.Run(id+" "+shell, func(t *testing.T) {
				t.Parallel()
				host, family := here(t, shell), osfamily.Of(id)
				install := func(programs ...string) error {
					work := &batch{packages: packageBatch{family, programs, []string{"a", "b-c"}}}
					a := applier{host: host, work: work, steps: &steps{of: 1}}
					return a.packages(t.Context())
				}
				if err := install("systemctl"); (err == nil) != family.IsSupported() {
					t.Errorf("install: %v", err)
				}
				record := `{"kind":"package","name":"b-c","absent":true}` + "\n" + `{"kind":"package","name":"needed","absent":true}` + "\n"
				if err := os.MkdirAll(host.dir+"/state", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(host.dir+"/state/record.jsonl", []byte(record), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := Undo(t.Context(), host, family); err != nil {
					t.Errorf("undo: %v", err)
				}
				if _, err := os.Stat(host.dir + "/state"); !os.IsNotExist(err) {
					t.Errorf("the record is left: %v", err)
				}
				calls := regexp.MustCompile(`(?m)^(systemctl|ctr) .*\n`).ReplaceAllString(host.calls(t), "")
				if calls != want {
					t.Errorf("calls:\n%swant:\n%s", calls, want)
				}
			})
		}
	}
}

func TestProgramsAreMissingAfterInstalling(t *testing.T) {
	t.Parallel()
	work := &batch{packages: packageBatch{osfamily.Of("rhel"), []string{"systemctl", "no-program"}, []string{"a"}}}
	a := applier{host: here(t, "dash"), work: work, steps: &steps{of: 1}}
	if err := a.packages(t.Context()); err == nil || !strings.Contains(err.Error(), "no-program is still missing") {
		t.Errorf("error %v", err)
	}
}
