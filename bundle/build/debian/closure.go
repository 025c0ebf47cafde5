package debian

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Closure is a list of packages, each in one version, that need no other: sorted files of the form
// NAME_VERSION_ARCHITECTURE.deb.
type Closure []string

// Resolve asks apt which packages the named ones need, themselves included, as if nothing were
// installed. Scratch is an empty folder for apt's state.
func Resolve(ctx context.Context, scratch string, packages []string) (Closure, error) {
	apt, err := newApt(scratch)
	if err != nil {
		return nil, err
	}
	out, err := apt.run(ctx, append([]string{"-qq", "--print-uris", "install"}, packages...)...)
	if err != nil {
		return nil, err
	}
	return parseURIs(out), nil
}

// parseURIs reads lines of the form 'URI' FILE SIZE [HASH].
func parseURIs(out string) Closure {
	var closure Closure
	lines := bufio.NewScanner(strings.NewReader(out))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) >= 3 && strings.HasPrefix(fields[0], "'") && strings.HasSuffix(fields[1], ".deb") {
			closure = append(closure, fields[1])
		}
	}
	slices.Sort(closure)
	return closure
}

// Version gives a package's upstream version: of 1:2.2.7-1+b2 it is 2.2.7.
func (c Closure) Version(name string) (string, error) {
	for _, file := range c {
		parts := strings.Split(file, "_")
		if len(parts) != 3 || parts[0] != name {
			continue
		}
		full, err := url.PathUnescape(parts[1]) // apt writes the colon after an epoch as %3a
		if err != nil {
			return "", err
		}
		return upstream(full), nil
	}
	return "", fmt.Errorf("apt has no package %s", name)
}

func upstream(full string) string {
	if _, rest, found := strings.Cut(full, ":"); found {
		full = rest
	}
	if revision := strings.LastIndexByte(full, '-'); revision >= 0 {
		full = full[:revision]
	}
	return full
}

// IndexDigest tells whether what [Resolve] found may be different by now: it changes whenever apt's
// package lists do, and is much quicker to find out.
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
				fmt.Fprintln(sum, filepath.Join(dir, entry.Name()), info.Size(), info.ModTime().UnixNano()) //nolint:errcheck // a hash takes all
			}
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
