package bundle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dualstrap/dualstrap/bundle/signature"
	"github.com/dualstrap/dualstrap/internal/localfile"
)

// SignatureName is the file with the signature of the manifest, as ssh-keygen -Y sign calls it.
const SignatureName = ManifestName + ".sig"

// maxSignatureBytes is many times what a signature has, and a file of allowed signers may have.
const maxSignatureBytes = 1 << 20

// SignatureError says why nobody vouches for a bundle.
type SignatureError struct {
	Dir string
	Err error
}

// Error implements error.
func (e *SignatureError) Error() string {
	return fmt.Sprintf("the bundle %s is not signed by anybody who may: %v", e.Dir, e.Err)
}

// Unwrap gives the cause.
func (e *SignatureError) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *SignatureError) Hint() string {
	return "use a bundle that one of the allowed signers has signed with dualstrap bundle sign, or add its signer to them"
}

// Signed reports whether there is a signature, be it a good one or not.
func (f *Dir) Signed() bool {
	_, err := os.Lstat(filepath.Join(f.Dir, SignatureName))
	return err == nil
}

// Sign has the manifest signed, and so everything that it lists, which is verified first. The function returns the
// signature of what it gets.
func (f *Dir) Sign(ctx context.Context, sign func(message []byte) ([]byte, error)) error {
	if err := f.Verify(ctx); err != nil {
		return err
	}
	signed, err := sign(f.encoded)
	if err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(f.Dir, SignatureName), signed); err != nil {
		return fmt.Errorf("cannot write the signature: %w", err)
	}
	return nil
}

// replaceFile writes a file that others never meet half of.
func replaceFile(path string, content []byte) error {
	partial, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".")
	if err != nil {
		return err
	}
	defer os.Remove(partial.Name()) //nolint:errcheck // after the rename it is gone
	_, err = partial.Write(content)
	if err := errors.Join(err, partial.Chmod(0o644), partial.Close()); err != nil {
		return err
	}
	return os.Rename(partial.Name(), path)
}

// VerifySignature returns who has signed the manifest, of those that a file of allowed signers lists. The error is a
// [SignatureError] where it is the bundle that is at fault.
func (f *Dir) VerifySignature(allowedSigners string, now time.Time) (signature.Signer, error) {
	allowed, err := readAllowed(allowedSigners)
	if err != nil {
		return signature.Signer{}, err
	}
	signed, err := readBounded(f.Dir, SignatureName, maxSignatureBytes)
	if errors.Is(err, fs.ErrNotExist) {
		// It is the signature that is missing, not the bundle: who asks for that must not take this for it.
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

func readAllowed(path string) (signature.Allowed, error) {
	data, err := localfile.Read(path, maxSignatureBytes)
	if err != nil {
		return signature.Allowed{}, allowedError(path, err)
	}
	return signature.ParseAllowed(path, data)
}

// allowedError is none of a file that does not exist: that would be taken for a bundle that does not.
func allowedError(path string, err error) error {
	return fmt.Errorf("cannot read the allowed signers %s: %v", path, cause(err)) //nolint:errorlint // see above
}
