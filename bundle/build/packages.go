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

// packages are those that programs of images are taken from.
func packages() []string { return []string{"bash", "haproxy", "keepalived", "nftables"} }

// sourcesChecked tells what was taken from apt since its sources are checked from what was taken before.
const sourcesChecked = "sources checked"

// findPackages resolves the packages; asking apt takes seconds, so the answer is kept for as long as
// apt's lists are the same.
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

// checkVersions holds the distribution to the versions in the tags of images, which manifests name.
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

// packagedRoot gives a directory with the programs of all images and with what they need to run.
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
		if err := copyClosures(elfdeps.Root(all), dir, programs); err != nil {
			return err
		}
		return os.RemoveAll(all)
	})
	return elfdeps.Root(entry), err
}

// copyClosures copies programs and what they need from one root to another, as files without links.
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

func copyFrom(root elfdeps.Root, name, target string) error {
	content, err := root.Open(name)
	if err != nil {
		return err
	}
	defer content.Close() //nolint:errcheck // nothing was written
	return writeFile(target, 0o755, func(w io.Writer) error {
		_, err := io.Copy(w, content)
		return err
	})
}

// closureOf gives all that the packaged programs of a component need, sorted.
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
