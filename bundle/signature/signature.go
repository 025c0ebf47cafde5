package signature

import (
	"bytes"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// Namespace keeps signatures of bundles apart from those that the same key makes for other purposes, such as git.
const Namespace = "dualstrap-bundle"

// minRSABits is what counts as too weak today, though ssh-keygen still takes half of it.
const minRSABits = 2048

// Signer is who has signed.
type Signer struct {
	// Principal is how the allowed signers call them.
	Principal string `json:"principal"`
	// KeyType and Fingerprint are those of the key, as ssh-keygen -l shows them.
	KeyType     string `json:"keyType"`
	Fingerprint string `json:"fingerprint"`
}

// String is how people read it.
func (s Signer) String() string {
	return fmt.Sprintf("%s (%s %s)", s.Principal, s.KeyType, s.Fingerprint)
}

// Sign returns the detached signature of a message.
func Sign(message []byte, signer ssh.Signer) ([]byte, error) {
	if err := checkKey(signer.PublicKey()); err != nil {
		return nil, err
	}
	signed, err := sshsig.Sign(bytes.NewReader(message), signer, sshsig.HashSHA512, Namespace)
	if err != nil {
		return nil, fmt.Errorf("cannot sign with the key %s: %w", ssh.FingerprintSHA256(signer.PublicKey()), err)
	}
	return sshsig.Armor(signed), nil
}

// Verify returns who of those that are allowed has signed a message, or an error when nobody has.
func Verify(message, armored []byte, allowed Allowed, now time.Time) (Signer, error) {
	signed, err := parse(armored)
	if err != nil {
		return Signer{}, fmt.Errorf("the signature cannot be read: %w", err)
	}
	if signed.Namespace != Namespace {
		return Signer{}, fmt.Errorf("the signature is for %q, not for %s", signed.Namespace, Namespace)
	}
	// The signature first: what an allowed key has not signed is not called a question of who is allowed.
	if err := sshsig.Verify(bytes.NewReader(message), signed, signed.PublicKey, signed.HashAlgorithm, Namespace); err != nil {
		return Signer{}, errors.New("the signature is not that of this content")
	}
	principal, err := allowed.principal(signed.PublicKey, now)
	if err != nil {
		return Signer{}, err
	}
	public := plainKey(signed.PublicKey)
	return Signer{Principal: principal, KeyType: public.Type(), Fingerprint: ssh.FingerprintSHA256(public)}, nil
}

// parse reads one signature, with nothing before or behind it.
func parse(armored []byte) (*sshsig.Signature, error) {
	armored = bytes.TrimSpace(armored)
	block, rest := pem.Decode(armored)
	switch {
	case block == nil || !bytes.HasPrefix(armored, []byte("-----BEGIN "+sshsig.PEMType+"-----")):
		return nil, errors.New("it does not begin with -----BEGIN " + sshsig.PEMType + "-----")
	case len(rest) > 0 || len(block.Headers) > 0:
		return nil, errors.New("there is something else beside it")
	}
	signed, err := sshsig.ParseSignature(block.Bytes)
	if err != nil {
		return nil, err
	}
	if err := checkKey(signed.PublicKey); err != nil {
		return nil, err
	}
	return signed, checkAlgorithm(plainKey(signed.PublicKey), signed.Signature)
}

// checkKey refuses keys that are of no kind for signatures, or weak.
func checkKey(public ssh.PublicKey) error {
	public = plainKey(public)
	kinds := []string{
		ssh.KeyAlgoED25519, ssh.KeyAlgoRSA, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
		ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256,
	}
	if !slices.Contains(kinds, public.Type()) {
		return fmt.Errorf("keys of type %q are not accepted", public.Type())
	}
	if standard, ok := public.(ssh.CryptoPublicKey); ok {
		if key, ok := standard.CryptoPublicKey().(*rsa.PublicKey); ok && key.N.BitLen() < minRSABits {
			return fmt.Errorf("an RSA key of %d bits is too weak: at least %d are needed", key.N.BitLen(), minRSABits)
		}
	}
	return nil
}

// checkAlgorithm refuses SHA-1, which RSA keys can sign with, and data that nobody has signed.
func checkAlgorithm(public ssh.PublicKey, signed *ssh.Signature) error {
	if public.Type() == ssh.KeyAlgoRSA && signed.Format != ssh.KeyAlgoRSASHA256 && signed.Format != ssh.KeyAlgoRSASHA512 {
		return fmt.Errorf("signatures of type %q are not accepted", signed.Format)
	}
	isSecurityKey := public.Type() == ssh.KeyAlgoSKED25519 || public.Type() == ssh.KeyAlgoSKECDSA256
	if len(signed.Rest) > 0 && !isSecurityKey {
		return errors.New("it has data behind its end")
	}
	return nil
}

// plainKey is the key of a certificate, or the key itself.
func plainKey(public ssh.PublicKey) ssh.PublicKey {
	if cert, ok := public.(*ssh.Certificate); ok {
		return cert.Key
	}
	return public
}
