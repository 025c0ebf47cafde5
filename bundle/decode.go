package bundle

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/json"

	"github.com/dualstrap/dualstrap/api"
)

// Bounds of a manifest, several times what a bundle of today has. What is beyond them is refused before it is
// read or unpacked.
const (
	maxManifestBytes   = 1 << 20
	maxFiles           = 256
	maxFileBytes       = 4 << 30
	maxExecutableBytes = 2 << 30
	maxTextBytes       = 128
)

// executableMode is the only one that executables of a bundle have: none runs with another user's rights.
const executableMode = "0755"

// executableDirs are where executables of a bundle may go on a host.
func executableDirs() []string { return []string{"/usr/local/bin", "/opt/cni/bin"} }

// The forms of a manifest's texts.
const (
	nameForm    = `[a-z0-9]+(?:[.-][a-z0-9]+)*`
	versionForm = `[A-Za-z0-9][A-Za-z0-9._+~:-]*`
	wordsForm   = `[ -~]+`
	digestForm  = `[0-9a-f]{64}`
	programForm = `(?:/[A-Za-z0-9_+-][A-Za-z0-9._+-]*)+`
)

// decode reads a manifest strictly: whatever a bundle says, nothing in it leads out of its directory, or onto a
// host's disk anywhere but where executables belong.
func decode(data []byte) (Manifest, error) {
	var manifest Manifest
	// A later schema has other fields: the version is what there is to say about it.
	var schema struct {
		SchemaVersion int `json:"schemaVersion"`
	}
	if err := json.UnmarshalCaseSensitivePreserveInts(data, &schema); err != nil {
		return manifest, err
	}
	if schema.SchemaVersion != SchemaVersion {
		return manifest, fmt.Errorf("its schema version is %d, this dualstrap reads %d", schema.SchemaVersion, SchemaVersion)
	}
	lax, err := json.UnmarshalStrict(data, &manifest)
	if err := errors.Join(append(lax, err)...); err != nil {
		return manifest, err
	}
	if err := manifest.check(); err != nil {
		return manifest, err
	}
	return manifest, nil
}

// check holds the manifest to what the rest of the package, and whoever uploads from a bundle, relies on.
func (m Manifest) check() error {
	var c checker
	c.text("kubernetesVersion", m.KubernetesVersion, versionForm)
	c.oneOf("architecture", m.Architecture, "amd64")
	c.text("goVersion", m.GoVersion, wordsForm)
	switch {
	case len(m.Files) == 0:
		c.failf("files", "lists no files")
	case len(m.Files) > maxFiles:
		c.failf("files", "lists %d files, at most %d are allowed", len(m.Files), maxFiles)
	}
	if c.err != nil {
		return c.err
	}
	listed := map[string]bool{}
	for i, file := range m.Files {
		c.at = fmt.Sprintf("files[%d] %q: ", i, file.Path)
		file.check(&c)
		if listed[file.Path] {
			c.failf("path", "is listed twice")
		}
		listed[file.Path] = true
		if c.err != nil {
			return c.err
		}
	}
	return nil
}

func (f File) check(c *checker) {
	c.text("name", f.Name, nameForm)
	c.text("version", f.Version, versionForm)
	c.size("size", f.Size, maxFileBytes)
	c.text("sha256", f.SHA256, digestForm)
	f.checkRoles(c)
	switch f.Kind {
	case KindExecutable:
		c.oneOf("path", f.Path, path.Join("bin", f.Name+".gz"))
		c.only("executable", f.Executable != nil, "image", f.Image != nil)
		if c.err == nil {
			f.Executable.check(c, f.Name)
		}
	case KindImage:
		c.oneOf("path", f.Path, path.Join("images", f.Name+".tar"))
		c.only("image", f.Image != nil, "executable", f.Executable != nil)
		if c.err == nil {
			f.Image.check(c, f)
		}
	default:
		c.oneOf("kind", f.Kind, KindExecutable, KindImage)
	}
}

func (f File) checkRoles(c *checker) {
	if len(f.Roles) == 0 {
		c.failf("roles", "is empty: no node would get the file")
	}
	for i, role := range f.Roles {
		c.oneOf("roles", string(role), string(api.RoleControlPlane), string(api.RoleLoadBalancer), string(api.RoleWorker))
		if slices.Contains(f.Roles[:i], role) {
			c.failf("roles", "has %q twice", role)
		}
	}
}

func (e Executable) check(c *checker, name string) {
	var allowed []string
	for _, dir := range executableDirs() {
		allowed = append(allowed, path.Join(dir, name))
	}
	c.oneOf("executable.path", e.Path, allowed...)
	c.oneOf("executable.mode", e.Mode, executableMode)
	c.size("executable.size", e.Size, maxExecutableBytes)
	c.text("executable.sha256", e.SHA256, digestForm)
}

func (i Image) check(c *checker, file File) {
	// Under another name it would take the place of an image that is none of the bundle's.
	c.oneOf("image.reference", i.Reference, api.Image(file.Name, file.Version))
	c.text("image.digest", i.Digest, "sha256:"+digestForm)
	c.text("image.program", i.Program, programForm)
}

// isName reports whether a name is one that files of a bundle have: it is no path.
func isName(name string) bool { return matchesForm(name, nameForm) }

func matchesForm(value, form string) bool {
	return regexp.MustCompile(`\A(?:` + form + `)\z`).MatchString(value)
}

// checker keeps the first thing that is wrong, and where.
type checker struct {
	at  string
	err error
}

// failf takes what is wrong with a field.
func (c *checker) failf(field, format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%s%s %s", c.at, field, fmt.Sprintf(format, args...))
	}
}

// text demands a value of a form.
func (c *checker) text(field, value, form string) {
	switch {
	case len(value) > maxTextBytes:
		c.failf(field, "has %d characters, at most %d are allowed", len(value), maxTextBytes)
	case !matchesForm(value, form):
		c.failf(field, "is %q, and must match %s", value, form)
	}
}

// oneOf demands one of few values.
func (c *checker) oneOf(field, value string, allowed ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	if len(value) > maxTextBytes {
		value = value[:maxTextBytes] + "..."
	}
	c.failf(field, "is %q, and must be %s", value, strings.Join(allowed, " or "))
}

func (c *checker) size(field string, value, most int64) {
	if value < 1 || value > most {
		c.failf(field, "is %d, and must be from 1 to %d", value, most)
	}
}

// only demands the part of a file's own kind, and none of the other's.
func (c *checker) only(wanted string, there bool, other string, otherThere bool) {
	if !there {
		c.failf(wanted, "is missing")
	}
	if otherThere {
		c.failf(other, "is there, for a file of another kind")
	}
}
