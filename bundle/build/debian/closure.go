package debian

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Closure is a list of packages that need no packages outside of the list. Its elements are sorted file names of the
// form NAME_VERSION_ARCHITECTURE.deb.
type Closure []string

// Resolve returns the named packages and all that they depend on, as if no package were installed.
func Resolve(ctx context.Context, packages []string) (closure Closure, err error) {
	apt, err := newApt()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, apt.close()) }()
	return apt.resolve(ctx, packages)
}

// resolve implements [Resolve]. It refuses packages from sources whose signatures are missing or not checked.
func (a *apt) resolve(ctx context.Context, packages []string) (Closure, error) {
	out, err := a.install(ctx, "--print-uris", packages)
	if err != nil {
		return nil, err
	}
	closure, uris := parseURIs(out)
	return closure, a.checkSources(ctx, uris)
}

// parseURIs parses lines of the form 'URI' FILE SIZE [HASH].
func parseURIs(out string) (closure Closure, uris []string) {
	lines := bufio.NewScanner(strings.NewReader(out))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) >= 3 && strings.HasPrefix(fields[0], "'") && strings.HasSuffix(fields[1], ".deb") {
			closure = append(closure, fields[1])
			uris = append(uris, strings.Trim(fields[0], "'"))
		}
	}
	slices.Sort(closure)
	return closure, uris
}

// Version returns a package's upstream version: 2.2.7 for 1:2.2.7-1+b2.
func (c Closure) Version(name string) (string, error) {
	for _, file := range c {
		parts := strings.Split(file, "_")
		if len(parts) != 3 || parts[0] != name {
			continue
		}
		// File names have no other underscores: Debian's versions and architectures do not contain any.
		full, err := url.PathUnescape(parts[1]) // apt writes the colon after an epoch as %3a
		if err != nil {
			return "", err
		}
		return upstream(full), nil
	}
	return "", fmt.Errorf("apt has no package %s", name)
}

// upstream strips the epoch and the Debian revision from a version.
func upstream(full string) string {
	if _, rest, found := strings.Cut(full, ":"); found {
		full = rest
	}
	if revision := strings.LastIndexByte(full, '-'); revision >= 0 {
		full = full[:revision]
	}
	return full
}

// IndexDigest returns a digest that changes whenever apt's package lists or configuration do, and so whenever the
// result of [Resolve] may change. It takes much less time, because it hashes only names, sizes and modification times.
func IndexDigest() (string, error) {
	sum := sha256.New()
	for _, dir := range []string{"/var/lib/apt/lists", "/etc/apt", "/etc/apt/sources.list.d", "/etc/apt/preferences.d"} {
		entries, err := os.ReadDir(dir)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("cannot read apt's package lists: %w", err)
		}
		for _, entry := range entries {
			info, err := entry.Info()
			if err != nil {
				return "", fmt.Errorf("cannot read apt's package lists: %w", err)
			}
			if !info.IsDir() {
				fmt.Fprintln(sum, filepath.Join(dir, entry.Name()), info.Size(), info.ModTime().UnixNano())
			}
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
