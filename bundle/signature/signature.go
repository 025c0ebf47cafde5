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

// Namespace separates signatures of bundles from those that the same key makes for other purposes, such as git.
const Namespace = "dualstrap-bundle"

// minRSABits is the length below which RSA keys are refused as too weak. ssh-keygen accepts half of it.
const minRSABits = 2048

// Signer describes the signer of a bundle.
type Signer struct {
	// Principal is the signer's name in the file of allowed signers.
	Principal string `json:"principal"`
	// KeyType and Fingerprint describe the key, as ssh-keygen -l shows them.
	KeyType     string `json:"keyType"`
	Fingerprint string `json:"fingerprint"`
}

// String returns the principal with the key's type and fingerprint, for messages.
func (s Signer) String() string {
	return fmt.Sprintf("%s (%s %s)", s.Principal, s.KeyType, s.Fingerprint)
}

// Sign returns the detached, armored signature of a message.
func Sign(message []byte, signer ssh.Signer) ([]byte, error) {
	if err := checkKey(signer.PublicKey()); err != nil {
		return nil, err
	}
	// SHA-512 is also the default of ssh-keygen.
	signed, err := sshsig.Sign(bytes.NewReader(message), signer, sshsig.HashSHA512, Namespace)
	if err != nil {
		return nil, fmt.Errorf("cannot sign with the key %s: %w", ssh.FingerprintSHA256(signer.PublicKey()), err)
	}
	return sshsig.Armor(signed), nil
}

// Verify returns the allowed signer of a message, or an error if no allowed signer has signed it. now is the time at
// which the restrictions of the allowed signers apply.
func Verify(message, armored []byte, allowed Allowed, now time.Time) (Signer, error) {
	signed, err := parse(armored)
	if err != nil {
		return Signer{}, fmt.Errorf("the signature cannot be read: %w", err)
	}
	if signed.Namespace != Namespace {
		return Signer{}, fmt.Errorf("the signature is for %q, not for %s", signed.Namespace, Namespace)
	}
	// The signature is checked before the key, so that the error about a forged signature never suggests to allow its
	// key.
	if err := sshsig.Verify(bytes.NewReader(message), signed, signed.PublicKey, signed.HashAlgorithm, Namespace); err != nil {
		return Signer{}, errors.New("the signature does not match the content")
	}
	principal, err := allowed.principal(signed.PublicKey, now)
	if err != nil {
		return Signer{}, err
	}
	public := plainKey(signed.PublicKey)
	return Signer{Principal: principal, KeyType: public.Type(), Fingerprint: ssh.FingerprintSHA256(public)}, nil
}

// parse decodes one armored signature. It refuses any other data around it.
func parse(armored []byte) (*sshsig.Signature, error) {
	armored = bytes.TrimSpace(armored)
	block, rest := pem.Decode(armored)
	switch {
	// pem.Decode skips text before the block, which must not pass as signed.
	case block == nil || !bytes.HasPrefix(armored, []byte("-----BEGIN "+sshsig.PEMType+"-----")):
		return nil, errors.New("it does not begin with -----BEGIN " + sshsig.PEMType + "-----")
	case len(rest) > 0 || len(block.Headers) > 0:
		return nil, errors.New("there is other data next to it")
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

// checkKey refuses weak keys and keys of other types than those for signatures. For a certificate it checks the
// certified key.
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

// checkAlgorithm refuses SHA-1, with which RSA keys can sign, and trailing data, which the signature does not cover.
// Only the signatures of security keys have further fields.
func checkAlgorithm(public ssh.PublicKey, signed *ssh.Signature) error {
	if public.Type() == ssh.KeyAlgoRSA && signed.Format != ssh.KeyAlgoRSASHA256 && signed.Format != ssh.KeyAlgoRSASHA512 {
		return fmt.Errorf("signatures of type %q are not accepted", signed.Format)
	}
	isSecurityKey := public.Type() == ssh.KeyAlgoSKED25519 || public.Type() == ssh.KeyAlgoSKECDSA256
	if len(signed.Rest) > 0 && !isSecurityKey {
		return errors.New("it has trailing data")
	}
	return nil
}

// plainKey returns the key that a certificate certifies, or the key itself if it is not a certificate.
func plainKey(public ssh.PublicKey) ssh.PublicKey {
	if cert, ok := public.(*ssh.Certificate); ok {
		return cert.Key
	}
	return public
}
