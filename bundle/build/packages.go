package build

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle/build/debian"
	"github.com/dualstrap/dualstrap/bundle/elfdeps"
)

// packages returns the packages of the distribution from which programs of images are taken.
func packages() []string { return []string{"bash", "haproxy", "keepalived", "nftables"} }

// sourcesChecked is part of the keys of everything that comes from apt. It invalidates entries from before the sources
// of packages were checked.
const sourcesChecked = "sources checked"

// findPackages resolves the packages and their dependencies. apt takes seconds for that, so the result is cached until
// apt's lists change.
func (b *builder) findPackages(ctx context.Context) (debian.Closure, error) {
	index, err := debian.IndexDigest()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(fmt.Append(nil, recipe, sourcesChecked, packages(), index))
	entry, err := b.cache.entry(ctx, "package-list", shortHash(sum[:]), func(dir string) error {
		closure, err := debian.Resolve(ctx, packages())
		if err != nil {
			return err
		}
		if err := checkVersions(closure); err != nil {
			return err
		}
		data, err := json.Marshal(closure)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "closure.json"), data, 0o644)
	})
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(entry, "closure.json"))
	if err != nil {
		return nil, err
	}
	var closure debian.Closure
	return closure, json.Unmarshal(data, &closure)
}

// checkVersions checks that the distribution has the versions that images are tagged with: manifests of clusters refer
// to the tags.
func checkVersions(closure debian.Closure) error {
	for name, want := range map[string]string{"haproxy": api.HAProxyVersion, "keepalived": api.KeepalivedVersion} {
		got, err := closure.Version(name)
		if err != nil {
			return err
		}
		if got != want {
			return &Error{
				What:     fmt.Sprintf("this distribution has %s %s, and bundles have %s", name, got, want),
				HintText: "build the bundle on a Debian 12 machine; it runs on hosts of any distribution",
			}
		}
	}
	return nil
}

// packagedRoot returns a directory with the packaged programs of all images and the files that they require.
func (b *builder) packagedRoot(ctx context.Context) (elfdeps.Root, error) {
	var programs []string
	for _, c := range components(b.Release, b.SelfVersion) {
		programs = append(programs, c.packaged...)
	}
	sum := sha256.Sum256(fmt.Append(nil, recipe, sourcesChecked, programs, b.closure))
	entry, err := b.cache.entry(ctx, "packages", shortHash(sum[:]), func(dir string) error {
		all := filepath.Join(dir, "all")
		if err := debian.Unpack(ctx, all, packages(), b.closure); err != nil {
			return err
		}
		// Images need only a few files of the packages.
		if err := copyClosures(elfdeps.Root(all), dir, programs); err != nil {
			return err
		}
		return os.RemoveAll(all)
	})
	return elfdeps.Root(entry), err
}

// copyClosures copies programs and the files that they require from a root to a directory. Links become regular files.
func copyClosures(from elfdeps.Root, to string, programs []string) error {
	for _, program := range programs {
		names, err := elfdeps.Closure(from, program)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := copyFrom(from, name, filepath.Join(to, name)); err != nil {
				return fmt.Errorf("cannot copy %s out of its package: %w", name, err)
			}
		}
	}
	return nil
}

// copyFrom copies one file of a root.
func copyFrom(root elfdeps.Root, name, target string) error {
	content, err := root.Open(name)
	if err != nil {
		return err
	}
	defer content.Close()
	return writeFile(target, 0o755, func(w io.Writer) error {
		_, err := io.Copy(w, content)
		return err
	})
}

// closureOf returns all files that the packaged programs of a component require, sorted.
func closureOf(root elfdeps.Root, c component) ([]string, error) {
	var all []string
	for _, program := range c.packaged {
		names, err := elfdeps.Closure(root, program)
		if err != nil {
			return nil, err
		}
		all = append(all, names...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
