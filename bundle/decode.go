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

// Bounds of a manifest, several times the values of a current bundle. A manifest that exceeds one is refused before
// anything else is read or unpacked.
const (
	maxManifestBytes   = 1 << 20
	maxFiles           = 256
	maxFileBytes       = 4 << 30
	maxExecutableBytes = 2 << 30
	maxTextBytes       = 128
)

// executableMode is the only mode that executables of a bundle may have. It excludes setuid and setgid executables.
const executableMode = "0755"

// executableDirs returns the directories on a host in which executables of a bundle may be installed.
func executableDirs() []string { return []string{"/usr/local/bin", "/opt/cni/bin"} }

// Regular expressions for the strings of a manifest.
const (
	nameForm    = `[a-z0-9]+(?:[.-][a-z0-9]+)*`
	versionForm = `[A-Za-z0-9][A-Za-z0-9._+~:-]*`
	wordsForm   = `[ -~]+`
	digestForm  = `[0-9a-f]{64}`
	programForm = `(?:/[A-Za-z0-9_+-][A-Za-z0-9._+-]*)+`
)

// decode decodes a manifest strictly. Whatever an untrusted bundle contains, no path of the result leads out of the
// bundle's directory, or to a place on a host where executables do not belong.
func decode(data []byte) (Manifest, error) {
	var manifest Manifest
	// The schema version is checked first: a later schema has other fields, and errors about those would not help the
	// user.
	var schema struct {
		SchemaVersion int `json:"schemaVersion"`
	}
	if err := json.UnmarshalCaseSensitivePreserveInts(data, &schema); err != nil {
		return manifest, err
	}
	if schema.SchemaVersion != SchemaVersion {
		return manifest, fmt.Errorf("its schema version is %d, this dualstrap reads %d", schema.SchemaVersion, SchemaVersion)
	}
	// Strict decoding reports unknown and duplicate fields: other readers of JSON could see another value of a
	// duplicate.
	lax, err := json.UnmarshalStrict(data, &manifest)
	if err := errors.Join(append(lax, err)...); err != nil {
		return manifest, err
	}
	if err := manifest.check(); err != nil {
		return manifest, err
	}
	return manifest, nil
}

// check validates the properties on which the rest of the package and the upload to hosts rely. It returns the first
// error.
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

// check validates a file. Its path follows from its kind and name, so a manifest cannot choose it.
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

// checkRoles validates that the roles are known and listed once.
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

// check validates the target on the host, which follows from the name except for the directory.
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

// check validates the properties of an image.
func (i Image) check(c *checker, file File) {
	// Any other reference could replace an image on the host that does not belong to the bundle.
	c.oneOf("image.reference", i.Reference, api.Image(file.Name, file.Version))
	c.text("image.digest", i.Digest, "sha256:"+digestForm)
	c.text("image.program", i.Program, programForm)
}

// isName reports whether a name has the form that files of a bundle have, and so is not a path.
func isName(name string) bool { return matchesForm(name, nameForm) }

// matchesForm reports whether the whole value matches a regular expression.
func matchesForm(value, form string) bool {
	return regexp.MustCompile(`\A(?:` + form + `)\z`).MatchString(value)
}

// checker records the first error of a validation.
type checker struct {
	// at is the prefix of the error: the file that is being checked.
	at  string
	err error
}

// failf records an error about a field, unless there already is one.
func (c *checker) failf(field, format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%s%s %s", c.at, field, fmt.Sprintf(format, args...))
	}
}

// text checks that a string matches a regular expression.
func (c *checker) text(field, value, form string) {
	switch {
	case len(value) > maxTextBytes:
		c.failf(field, "has %d characters, at most %d are allowed", len(value), maxTextBytes)
	case !matchesForm(value, form):
		c.failf(field, "is %q, and must match %s", value, form)
	}
}

// oneOf checks that a string is one of the allowed values.
func (c *checker) oneOf(field, value string, allowed ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	// The value comes from an untrusted manifest, and the message goes to a terminal.
	if len(value) > maxTextBytes {
		value = value[:maxTextBytes] + "..."
	}
	c.failf(field, "is %q, and must be %s", value, strings.Join(allowed, " or "))
}

// size checks that a number of bytes is positive and at most most.
func (c *checker) size(field string, value, most int64) {
	if value < 1 || value > most {
		c.failf(field, "is %d, and must be from 1 to %d", value, most)
	}
}

// only checks that the part for a file's own kind is set, and the part for the other kind is not.
func (c *checker) only(wanted string, isSet bool, other string, otherIsSet bool) {
	if !isSet {
		c.failf(wanted, "is missing")
	}
	if otherIsSet {
		c.failf(other, "is set for a file of another kind")
	}
}
