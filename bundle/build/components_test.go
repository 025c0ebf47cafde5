package build

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
)

// TestComponentsHavePins checks that every program's module is pinned at the version in the file's name and tag, and
// that the pin is for exactly that program.
func TestComponentsHavePins(t *testing.T) {
	t.Parallel()
	for _, release := range api.Releases() {
		for _, c := range components(release, "dev") {
			if c.program.origin != fromPin {
				continue
			}
			files, err := sources(c.program)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			module := string(files["go.mod"])
			if !strings.HasPrefix(module, "module pin\n\ngo "+goLine+"\n") {
				t.Errorf("%s: the pin %s does not begin with the module's name and Go %s", c.name, c.program.pin, goLine)
			}
			if !strings.Contains(module, c.program.pkg+"\n") {
				t.Errorf("%s: the pin %s has no tool %s", c.name, c.program.pin, c.program.pkg)
			}
			if !requires(module, c.program.pkg, c.version) {
				t.Errorf("%s: the pin %s does not require the module of %s at %s", c.name, c.program.pin, c.program.pkg, c.version)
			}
		}
	}
}

// requires reports whether a go.mod requires the module of a package at a version.
func requires(module, pkg, version string) bool {
	for line := range strings.Lines(module) {
		fields := strings.Fields(strings.TrimPrefix(line, "require "))
		if len(fields) >= 2 && (pkg == fields[0] || strings.HasPrefix(pkg, fields[0]+"/")) && fields[1] == version {
			return true
		}
	}
	return false
}

// TestEveryPinIsUsed checks that no pin of a release that is no longer built is left behind.
func TestEveryPinIsUsed(t *testing.T) {
	t.Parallel()
	entries, err := pins.ReadDir("pins")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, release := range api.Releases() {
		for _, c := range components(release, "dev") {
			used[c.program.pin] = true
		}
	}
	for _, entry := range entries {
		if !used[entry.Name()] {
			t.Errorf("nothing is built from the pin %s", entry.Name())
		}
	}
}

func TestComponentsAreSound(t *testing.T) {
	t.Parallel()
	for _, release := range api.Releases() {
		files := map[string]bool{}
		for _, c := range components(release, "dev") {
			if files[c.file()] || c.seconds == 0 || len(c.roles) == 0 || !strings.HasPrefix(c.path, "/") {
				t.Errorf("%s is there twice or says too little: %+v", c.file(), c)
			}
			files[c.file()] = true
			if c.program.origin == fromPackages && !slices.Contains(c.packaged, c.path) {
				t.Errorf("%s runs %s, which is not in it", c.name, c.path)
			}
			if c.kind == bundle.KindExecutable && (len(c.packaged)+len(c.files) > 0 || c.user != "") {
				t.Errorf("%s is an executable and has what only images have", c.name)
			}
		}
	}
}

// TestBundleOfAllComponentsIsAccepted checks that bundle.Open accepts the manifest of all components.
func TestBundleOfAllComponentsIsAccepted(t *testing.T) {
	t.Parallel()
	digest := strings.Repeat("a", 64)
	for _, release := range api.Releases() {
		manifest := bundle.Manifest{
			SchemaVersion: bundle.SchemaVersion, KubernetesVersion: release.Kubernetes, Architecture: "amd64", GoVersion: "go1.26.8 X:jsonv2",
		}
		for _, c := range components(release, "v0.1.0-3-g1234567-dirty+build.1") {
			file := bundle.File{Path: c.file(), Kind: c.kind, Name: c.name, Version: c.version, Size: 1, SHA256: digest, Roles: c.roles}
			if c.kind == bundle.KindImage {
				file.Image = &bundle.Image{Reference: api.Image(c.name, c.version), Digest: "sha256:" + digest, Program: c.path}
			} else {
				file.Executable = &bundle.Executable{Path: c.path, Mode: "0755", Size: 1, SHA256: digest}
			}
			manifest.Files = append(manifest.Files, file)
		}
		data, err := manifest.Encode()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, bundle.ManifestName), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := bundle.Open(dir); err != nil {
			t.Errorf("%s: %v", release.Kubernetes, err)
		}
	}
}

func TestKeyChangesWithEveryInput(t *testing.T) {
	t.Parallel()
	release := api.Releases()[0]
	named := func(name string) component {
		all := components(release, "dev")
		return all[slices.IndexFunc(all, func(c component) bool { return c.name == name })]
	}
	base := func() *builder {
		return &builder{tools: toolchain{goVersion: "go1.26.8", compiler: "gcc 12"}, closure: []string{"a_1_amd64.deb"}, selfDigest: "1"}
	}
	key := func(b *builder, c component) string {
		key, err := b.key(c)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	for name, test := range map[string]struct {
		component string
		change    func(b *builder, c *component)
		same      bool
	}{
		"nothing":               {"runc", func(*builder, *component) {}, true},
		"an estimate":           {"runc", func(_ *builder, c *component) { c.seconds++ }, true},
		"Go":                    {"runc", func(b *builder, _ *component) { b.tools.goVersion = "go1.26.9" }, false},
		"Go, without a program": {"haproxy", func(b *builder, _ *component) { b.tools.goVersion = "go1.26.9" }, true},
		"gcc":                   {"runc", func(b *builder, _ *component) { b.tools.compiler = "gcc 13" }, false},
		"gcc, without C":        {"kubelet", func(b *builder, _ *component) { b.tools.compiler = "gcc 13" }, true},
		"packages":              {"kube-proxy", func(b *builder, _ *component) { b.closure = []string{"a_2_amd64.deb"} }, false},
		"packages of others":    {"kubelet", func(b *builder, _ *component) { b.closure = []string{"a_2_amd64.deb"} }, true},
		"dualstrap":             {"dualstrap", func(b *builder, _ *component) { b.selfDigest = "2" }, false},
		"dualstrap, for others": {"kubelet", func(b *builder, _ *component) { b.selfDigest = "2" }, true},
		"the pin":               {"etcd", func(_ *builder, c *component) { c.program.pin = "etcd-v3.7.3" }, false},
		"a linker's variable":   {"kubelet", func(_ *builder, c *component) { c.program.variables = nil }, false},
		"tags":                  {"runc", func(_ *builder, c *component) { c.program.tags = "" }, false},
		"the roles":             {"runc", func(_ *builder, c *component) { c.roles = c.roles[:1] }, false},
		"the path":              {"runc", func(_ *builder, c *component) { c.path = "/usr/bin/runc" }, false},
		"a small file":          {"keepalived", func(_ *builder, c *component) { c.files = nil }, false},
	} {
		b, c := base(), named(test.component)
		test.change(b, &c)
		if same := key(b, c) == key(base(), named(test.component)); same != test.same {
			t.Errorf("%s: the key is the same: %t", name, same)
		}
	}
}
