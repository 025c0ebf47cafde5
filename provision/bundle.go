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

// defaultBundle is the bundle's directory if neither the command line nor the manifests name one.
const defaultBundle = "bundle"

// OpenBundle opens the bundle in dir; if dir is empty, in the directory that the manifests name, or in bundle.
//
// The error is a [RefusedError] if the bundle does not have the digest, or a signature of the signers, that the manifests
// name: its programs will run as root on all hosts. Another error reports a bundle for another version of Kubernetes.
func OpenBundle(cfg *api.Config, dir string) (*bundle.Dir, error) {
	bundleDir, err := bundle.Open(cmp.Or(dir, cfg.Bundle, defaultBundle))
	if err != nil {
		return nil, err
	}
	if err := verifyBundle(cfg, bundleDir); err != nil {
		return nil, err
	}
	// This comes last, because the version is in the manifest that has just been verified.
	if built := bundleDir.Manifest.KubernetesVersion; built != cfg.Kubernetes.Kubernetes {
		return nil, &versionError{Bundle: bundleDir.Dir, Built: built, Wanted: cfg.Kubernetes.Kubernetes}
	}
	return bundleDir, nil
}

// verifyBundle checks the bundle against the digest and the allowed signers in the manifests; both are optional.
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
	var unsigned *bundle.SignatureError // any other error means that the signature could not be checked
	if errors.As(err, &unsigned) {
		return &RefusedError{Reasons: []string{unsigned.Error()}}
	}
	return err
}

// versionError reports a bundle for a version of Kubernetes, Built, that is not the one in the manifests, Wanted.
type versionError struct {
	// Bundle is the directory of the bundle; the versions have the form v1.36.3.
	Bundle, Built, Wanted string
}

// Error implements error.
func (e *versionError) Error() string {
	return fmt.Sprintf("the bundle %s holds Kubernetes %s, and the manifests ask for %s", e.Bundle, e.Built, e.Wanted)
}

// Hint returns the way to solve the problem.
func (e *versionError) Hint() string {
	return fmt.Sprintf("dualstrap bundle build --output DIR --kubernetes-version %s, and --bundle DIR", e.Wanted)
}

// addBundle adds the bundle's executables and images for a role to the desired state of a host.
func addBundle(desired *change.Desired, bundleDir *bundle.Dir, role api.Role) error {
	for _, file := range bundleDir.Manifest.For(role) {
		open := func() (io.ReadCloser, error) { return bundleDir.Open(file) }
		switch file.Kind {
		case bundle.KindExecutable:
			mode, err := strconv.ParseUint(file.Executable.Mode, 8, 12) // 12 bits: permissions, setuid, setgid and sticky
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

// restartedByProgram returns the units that must restart when a program changes: those that run it. Most programs of the
// bundle are not services.
func restartedByProgram(program string) []string {
	switch unit := path.Base(program) + ".service"; unit {
	case containerdUnit, kubeletUnit:
		return []string{unit}
	}
	return nil
}
