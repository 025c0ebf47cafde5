package bundle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"github.com/dualstrap/dualstrap/bundle/signature"
	"github.com/dualstrap/dualstrap/internal/localfile"
)

// SignatureName is the name of the file with the signature of the manifest. ssh-keygen -Y sign chooses the same.
const SignatureName = ManifestName + ".sig"

// maxSignatureBytes is the maximum size of a signature and of a file of allowed signers, far above that of real ones.
const maxSignatureBytes = 1 << 20

// SignatureError reports that a bundle is not signed by an allowed signer. Err is the reason.
type SignatureError struct {
	Dir string
	Err error
}

// Error implements error.
func (e *SignatureError) Error() string {
	return fmt.Sprintf("the bundle %s is not signed by an allowed signer: %v", e.Dir, e.Err)
}

// Unwrap returns the reason.
func (e *SignatureError) Unwrap() error { return e.Err }

// Hint returns the remedy.
func (e *SignatureError) Hint() string {
	return "use a bundle that one of the allowed signers has signed with dualstrap bundle sign, or add its signer to them"
}

// Signed reports whether the bundle has a signature, valid or not.
func (f *Dir) Signed() bool {
	_, err := os.Lstat(filepath.Join(f.Dir, SignatureName))
	return err == nil
}

// Sign verifies all files, and then signs the manifest and thereby everything that it lists. sign returns the signature
// of its argument.
func (f *Dir) Sign(ctx context.Context, sign func(message []byte) ([]byte, error)) error {
	if err := f.Verify(ctx); err != nil {
		return err
	}
	signed, err := sign(f.encoded)
	if err != nil {
		return err
	}
	// Readers never see an incomplete signature.
	if err := renameio.WriteFile(filepath.Join(f.Dir, SignatureName), signed, 0o644, renameio.IgnoreUmask()); err != nil {
		return fmt.Errorf("cannot write the signature: %w", err)
	}
	return nil
}

// VerifySignature returns the signer of the manifest, who must be one of those in a file of allowed signers. The error
// is a [SignatureError] if the cause is in the bundle, and another one if it is in the file of allowed signers.
func (f *Dir) VerifySignature(allowedSigners string, now time.Time) (signature.Signer, error) {
	allowed, err := readAllowed(allowedSigners)
	if err != nil {
		return signature.Signer{}, err
	}
	signed, err := readBounded(f.Dir, SignatureName, maxSignatureBytes)
	if errors.Is(err, fs.ErrNotExist) {
		// The error must not wrap fs.ErrNotExist: callers use that to detect a missing bundle, and here only the
		// signature is missing.
		err = fmt.Errorf("it has no %s", SignatureName)
	} else if err != nil {
		err = fmt.Errorf("cannot read %s: %w", SignatureName, err)
	}
	var signer signature.Signer
	if err == nil {
		signer, err = signature.Verify(f.encoded, signed, allowed, now)
	}
	if err != nil {
		return signature.Signer{}, &SignatureError{Dir: f.Dir, Err: err}
	}
	return signer, nil
}

// readAllowed reads and parses a file of allowed signers.
func readAllowed(path string) (signature.Allowed, error) {
	data, err := localfile.Read(path, maxSignatureBytes)
	if err != nil {
		return signature.Allowed{}, allowedError(path, err)
	}
	return signature.ParseAllowed(path, data)
}

// allowedError describes a failure to read the allowed signers. It does not wrap the cause, because callers would take
// fs.ErrNotExist for a missing bundle.
func allowedError(path string, err error) error {
	return fmt.Errorf("cannot read the allowed signers %s: %s", path, cause(err).Error())
}
