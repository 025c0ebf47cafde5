//go:build integration

package build

import (
	"context"
	"errors"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
)

// quick lists components that take seconds, one for each origin that is compiled.
func quick() []string { return []string{"pause", "host-local", "runc"} }

// quickBuilder returns a builder with its own cache, and the jobs of the named components.
func quickBuilder(t *testing.T, cacheDir string, names ...string) (*builder, []job) {
	t.Helper()
	b := &builder{
		Options: Options{Release: api.Releases()[0], CacheDir: cacheDir, SelfVersion: "dev", Progress: t.Output()},
		cache:   cache{dir: cacheDir},
	}
	var err error
	if b.tools, err = findToolchain(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	var jobs []job
	for _, c := range components(b.Release, b.SelfVersion) {
		if !slices.Contains(names, c.name) {
			continue
		}
		key, err := b.key(c)
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, job{component: c, key: key})
	}
	return b, jobs
}

// emptyDir returns a temporary directory that can be removed although Go's module cache makes files read-only.
func emptyDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() { _ = exec.Command("chmod", "-R", "u+w", dir).Run() })
	return dir
}

// TestTwoBuildsFromNothingAreEqual builds twice, with all caches empty, and compares the results.
func TestIntegrationTwoBuildsFromNothingAreEqual(t *testing.T) {
	digests := func() map[string]string {
		t.Setenv("GOCACHE", t.TempDir())
		b, jobs := quickBuilder(t, t.TempDir(), quick()...)
		if err := b.fill(t.Context(), jobs); err != nil {
			t.Fatal(err)
		}
		manifest, err := b.manifest(jobs)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]string{}
		for _, file := range manifest.Files {
			found[file.Name] = file.SHA256
		}
		return found
	}
	first, second := digests(), digests()
	if diff := cmp.Diff(first, second); diff != "" || len(first) != len(quick()) {
		t.Errorf("digests of two builds:\n%s", diff)
	}
}

const resumeVariable = "DUALSTRAP_TEST_BUILD"

// TestMain lets a test kill a whole build: if the variable is set to a directory, the test's executable builds into
// that cache until it is killed.
func TestMain(m *testing.M) {
	dir := os.Getenv(resumeVariable)
	if dir == "" {
		m.Run()
		return
	}
	testing.Init()
	ctx := context.Background()
	b := &builder{Options: Options{Release: api.Releases()[0], CacheDir: dir, Progress: os.Stderr}, cache: cache{dir: dir}}
	var err error
	if b.tools, err = findToolchain(ctx, filepath.Join(dir, "probe")); err != nil {
		log.Fatal(err)
	}
	for _, c := range components(b.Release, "dev") {
		if key, err := b.key(c); err == nil && slices.Contains(quick(), c.name) {
			_ = b.fill(ctx, []job{{component: c, key: key}})
		}
	}
}

// TestKilledBuildGoesOn kills a build with SIGKILL while it builds its second component.
func TestIntegrationKilledBuildGoesOn(t *testing.T) {
	dir := t.TempDir()
	b, jobs := quickBuilder(t, dir, quick()...)
	killed := exec.CommandContext(t.Context(), os.Args[0])
	killed.Env = append(os.Environ(), resumeVariable+"="+dir)
	killed.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- killed.Wait() }()
	partial := b.cache.path(jobs[1].name, jobs[1].key) + ".partial"
	for building := false; !building; _, building = statted(partial) {
		select {
		case err := <-over:
			t.Fatalf("the build was over before it could be killed: %v", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-over; err == nil {
		t.Fatal("the build ended by itself")
	}
	if missing := b.missing(jobs); len(missing) != 2 {
		t.Fatalf("%d components are missing after the kill, want 2", len(missing))
	}
	first, err := os.Stat(b.cache.path(jobs[0].name, jobs[0].key))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.fill(t.Context(), b.missing(jobs)); err != nil {
		t.Fatal(err)
	}
	if missing := b.missing(jobs); len(missing) > 0 {
		t.Errorf("still missing: %v", missing)
	}
	again, err := os.Stat(b.cache.path(jobs[0].name, jobs[0].key))
	if err != nil || !again.ModTime().Equal(first.ModTime()) {
		t.Errorf("what was built before the kill was built again (%v)", err)
	}
	if _, err := os.Stat(partial); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left: %v", partial, err)
	}
}

func statted(path string) (os.FileInfo, bool) {
	info, err := os.Stat(path)
	return info, err == nil
}

func TestIntegrationRefusedModuleIsNamed(t *testing.T) {
	t.Setenv("GOMODCACHE", emptyDir(t))
	t.Setenv("GOPROXY", "off")
	b, jobs := quickBuilder(t, t.TempDir(), "host-local")
	err := b.fill(t.Context(), jobs)
	mustTell(t, err, "cannot build github.com/containernetworking/plugins/plugins/ipam/host-local",
		"is not on this machine, and GOPROXY=off", "@v", "GOPROXY")
}

// TestTamperedModuleIsNamed changes a pin so that it expects other content of a module.
func TestIntegrationTamperedModuleIsNamed(t *testing.T) {
	b, jobs := quickBuilder(t, t.TempDir(), "host-local")
	files, err := sources(jobs[0].program)
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/containernetworking/plugins v1.9.1 h1:"
	sum := string(files["go.sum"])
	at := strings.Index(sum, module)
	if at < 0 {
		t.Fatalf("the pin has no sum of %s", module)
	}
	at += len(module)
	files["go.sum"] = []byte(sum[:at] + strings.Repeat("A", 43) + sum[at+43:])
	_, err = compile(t.Context(), t.TempDir(), jobs[0].program, files)
	mustTell(t, err, "github.com/containernetworking/plugins@v1.9.1 is not the one", "checksum", "do not use it")
	if len(b.missing(jobs)) != 1 {
		t.Error("it was built all the same")
	}
}

// TestFullDisk builds into a cache on a disk of one megabyte.
func TestIntegrationFullDisk(t *testing.T) {
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatalf("cannot mount a small disk, which takes root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(small, 0); err != nil {
			t.Error(err)
		}
	})
	b, jobs := quickBuilder(t, filepath.Join(small, "cache"), "pause")
	mustTell(t, b.fill(t.Context(), jobs), "disk is full", "make room")
	if len(b.missing(jobs)) != 1 {
		t.Error("there is an entry")
	}
	roomy, jobs := quickBuilder(t, t.TempDir(), "pause")
	if err := roomy.fill(t.Context(), jobs); err != nil {
		t.Fatal(err)
	}
	manifest, err := roomy.manifest(jobs)
	if err != nil {
		t.Fatal(err)
	}
	roomy.Output = filepath.Join(small, "bundle")
	fillUp(t, filepath.Join(small, "ballast"))
	encoded, err := manifest.Encode()
	if err != nil {
		t.Fatal(err)
	}
	_, err = roomy.write(t.Context(), jobs, encoded)
	mustTell(t, err, "disk is full", "make room")
	if entries, err := os.ReadDir(small); err != nil || slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return strings.Contains(e.Name(), "bundle")
	}) {
		t.Errorf("%v, %v are left", entries, err)
	}
}

// fillUp leaves almost no room on a disk of one megabyte.
func fillUp(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, make([]byte, 900<<10), 0o644); err != nil {
		t.Fatal(err)
	}
}

func mustTell(t *testing.T, err error, parts ...string) {
	t.Helper()
	var told *Error
	if !errors.As(err, &told) {
		t.Fatalf("error %v says nothing to do", err)
	}
	for _, part := range parts {
		if !strings.Contains(told.What+"\n"+told.HintText, part) {
			t.Errorf("%q and %q do not say %q", told.What, told.HintText, part)
		}
	}
}
