package lab_test

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/lab"
	"github.com/dualstrap/dualstrap/provision/load"
)

func newWorkspace(t *testing.T, name string) (lab.Workspace, string) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "work spaces: #1")
	workspace, err := lab.NewWorkspace(root, name)
	if err != nil {
		t.Fatal(err)
	}
	return workspace, root
}

func render(t *testing.T, spec lab.Spec, workspace lab.Workspace) []byte {
	t.Helper()
	content, err := lab.RenderManifest(spec, workspace, true)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestManifestsAreValid(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]lab.Spec{
		"defaults": defaults(),
		"alone":    {Name: "l", ControlPlanes: 1},
		"ha":       {Name: "high-available", ControlPlanes: 3, Workers: 5, LoadBalancers: 2, RHELLike: 3},
		"largest":  largest(),
		"longest":  {Name: strings.Repeat("l", 50), ControlPlanes: 1, Workers: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			workspace, _ := newWorkspace(t, spec.Name)
			verdict := load.Manifests([]api.Source{{Name: "cluster.yaml", Data: render(t, spec, workspace)}})
			if verdict.Problems.HasErrors() || len(verdict.Problems) > 0 && spec.Workers > 0 {
				t.Fatalf("problems: %v", verdict.Problems)
			}
			if got := len(verdict.Plan.Nodes); got != spec.Nodes() {
				t.Errorf("%d nodes, want %d", got, spec.Nodes())
			}
			if got := verdict.Config.SSH.PrivateKeyPath; got != workspace.KeyPath() {
				t.Errorf("the key is %q, want %q", got, workspace.KeyPath())
			}
		})
	}
}

func TestDefaultLabIsTheExample(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("../examples/dual-stack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	spec := defaults()
	spec.Name = "dual-stack"
	workspace, _ := newWorkspace(t, spec.Name)
	want := load.Manifests([]api.Source{{Name: "f", Data: example}})
	got := load.Manifests([]api.Source{{Name: "f", Data: render(t, spec, workspace)}})
	if diff := cmp.Diff(want.Plan.Nodes, got.Plan.Nodes,
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("plan (-example +lab):\n%s", diff)
	}
}

func TestEditedManifestIsKept(t *testing.T) {
	t.Parallel()
	workspace, root := newWorkspace(t, "lab")
	write := func(content []byte, wantWritten, wantKept bool) {
		t.Helper()
		written, kept, err := lab.WriteManifest(workspace, content)
		if err != nil || written != wantWritten || kept != wantKept {
			t.Fatalf("written %v, kept %v: %v", written, kept, err)
		}
	}
	small := render(t, defaults(), workspace)
	large := render(t, largest(), workspace)
	write(small, true, false)
	write(small, false, false)
	write(large, true, false)
	edited := bytes.Replace(large, []byte("10.2.0.175"), []byte("10.2.0.176"), 1)
	if err := os.WriteFile(workspace.ManifestPath(), edited, 0o644); err != nil {
		t.Fatal(err)
	}
	write(small, false, true)
	if removed, kept, err := lab.RemoveWorkspace(workspace); removed || !kept || err != nil {
		t.Errorf("removed %v, kept %v: %v", removed, kept, err)
	}
	if now, err := os.ReadFile(workspace.ManifestPath()); err != nil || !bytes.Equal(now, edited) {
		t.Errorf("the edited file is not what it was: %v", err)
	}
	if err := os.Remove(workspace.ManifestPath()); err != nil {
		t.Fatal(err)
	}
	write(small, true, false)
	if removed, kept, err := lab.RemoveWorkspace(workspace); !removed || kept || err != nil {
		t.Errorf("removed %v, kept %v: %v", removed, kept, err)
	}
	if _, err := os.Stat(root); !os.IsNotExist(err) {
		t.Errorf("the directory of workspaces is still there: %v", err)
	}
}

func TestKeyIsMadeOnceAndOnlyItsOwnerReadsIt(t *testing.T) {
	t.Parallel()
	workspace, _ := newWorkspace(t, "lab")
	first, made, err := lab.MakeKey(workspace)
	if err != nil || !made {
		t.Fatalf("made %v: %v", made, err)
	}
	again, made, err := lab.MakeKey(workspace)
	if err != nil || made || !bytes.Equal(first, again) {
		t.Errorf("made %v, %q and %q: %v", made, first, again, err)
	}
	for path, mode := range map[string]os.FileMode{workspace.KeyPath(): 0o600, filepath.Dir(workspace.KeyPath()): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, want mode %o: %v", path, info.Mode(), mode, err)
		}
	}
	public, err := os.ReadFile(workspace.KeyPath() + ".pub")
	if err != nil || !bytes.Equal(public, first) || !bytes.HasPrefix(public, []byte("ssh-ed25519 ")) {
		t.Errorf("the public key is %q: %v", public, err)
	}
}
