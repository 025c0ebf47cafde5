package provision

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"time"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/hostprep/change"
)

// DefaultBundle is where the bundle is looked for when the manifests name none.
const DefaultBundle = "bundle"

// OpenBundle gives the bundle in a directory, by default the one that the manifests name, after a look
// whether it is for their version of Kubernetes, and the one that they vouch for. It is a [RefusedError] where it is
// not: the bundle would become what runs as root on all hosts.
func OpenBundle(cfg *api.Config, dir string) (*bundle.Dir, error) {
	bundleDir, err := bundle.Open(cmp.Or(dir, cfg.Bundle, DefaultBundle))
	if err != nil {
		return nil, err
	}
	if err := verifyBundle(cfg, bundleDir); err != nil {
		return nil, err
	}
	if built := bundleDir.Manifest.KubernetesVersion; built != cfg.Kubernetes.Kubernetes {
		return nil, &VersionError{Bundle: bundleDir.Dir, Built: built, Wanted: cfg.Kubernetes.Kubernetes}
	}
	return bundleDir, nil
}

// verifyBundle holds a bundle to the digest and to the signers that the manifests name.
func verifyBundle(cfg *api.Config, bundleDir *bundle.Dir) error {
	if want := cfg.BundleSHA256; want != "" && want != bundleDir.SHA256 {
		return &RefusedError{Reasons: []string{fmt.Sprintf(
			"the bundle %s is not the one that ProvisionOptions name: the SHA-256 of its %s is %s, and bundleSHA256 is %s",
			bundleDir.Dir, bundle.ManifestName, bundleDir.SHA256, want)}}
	}
	if cfg.BundleAllowedSigners == "" {
		return nil
	}
	_, err := bundleDir.VerifySignature(cfg.BundleAllowedSigners, time.Now())
	var unsigned *bundle.SignatureError
	if errors.As(err, &unsigned) {
		return &RefusedError{Reasons: []string{unsigned.Error()}}
	}
	return err
}

// VersionError is a bundle for another version of Kubernetes than the manifests ask for.
type VersionError struct{ Bundle, Built, Wanted string }

// Error implements error.
func (e *VersionError) Error() string {
	return fmt.Sprintf("the bundle %s holds Kubernetes %s, and the manifests ask for %s", e.Bundle, e.Built, e.Wanted)
}

// Hint says what to do.
func (e *VersionError) Hint() string {
	return fmt.Sprintf("dualstrap bundle build --output DIR --kubernetes-version %s, and --bundle DIR", e.Wanted)
}

// addBundle adds what the bundle has for a role to what a host has to be.
func addBundle(desired *change.Desired, bundleDir *bundle.Dir, role api.Role) error {
	for _, file := range bundleDir.Manifest.For(role) {
		open := func() (io.ReadCloser, error) { return bundleDir.Open(file) }
		switch file.Kind {
		case bundle.KindExecutable:
			mode, err := strconv.ParseUint(file.Executable.Mode, 8, 12)
			if err != nil {
				return err
			}
			desired.Executables = append(desired.Executables, change.Executable{
				Path: file.Executable.Path, Mode: fs.FileMode(mode), SHA256: file.Executable.SHA256,
				Open: open, Size: file.Size, Restarts: restartedByProgram(file.Executable.Path),
			})
		case bundle.KindImage:
			desired.Images = append(desired.Images, change.Image{
				Reference: file.Image.Reference, Digest: file.Image.Digest, Open: open, Size: file.Size, SHA256: file.SHA256,
			})
		}
	}
	return nil
}

// restartedByProgram are the units that run a program.
func restartedByProgram(program string) []string {
	switch unit := path.Base(program) + ".service"; unit {
	case containerdUnit, kubeletUnit:
		return []string{unit}
	}
	return nil
}
