package load

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/provision/refusal"
)

// defaultBundle is the bundle's directory if neither the command line nor the manifests name one.
const defaultBundle = "bundle"

// OpenBundle opens the bundle in dir; if dir is empty, in the directory that the manifests name, or in bundle.
//
// The error is a [refusal.Error] if the bundle does not have the digest, or a signature of the signers, that the manifests
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
		return refusal.Because(fmt.Sprintf(
			"the bundle %s is not the one that ProvisionOptions name: the SHA-256 of its %s is %s, and bundleSHA256 is %s",
			bundleDir.Dir, bundle.ManifestName, bundleDir.SHA256, want))
	}
	if cfg.BundleAllowedSigners == "" {
		return nil
	}
	_, err := bundleDir.VerifySignature(cfg.BundleAllowedSigners, time.Now())
	var unsigned *bundle.SignatureError // any other error means that the signature could not be checked
	if errors.As(err, &unsigned) {
		return refusal.Because(unsigned.Error())
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
