package encryption

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

const (
	// MaxSize is the maximum size of a key file, in bytes. A file with two keys is smaller than 1 KiB.
	MaxSize = 16 << 10
	// keySize is the key size of secretbox (XSalsa20 and Poly1305), in bytes.
	keySize = 32
	// keyNamePrefix precedes the number in a key's name.
	keyNamePrefix = "key-"
	// maxKeys is the number of keys in a file during a rotation; a settled file has one.
	maxKeys = 2
)

// Key is a key that API servers encrypt Secrets with.
type Key struct {
	// Name is key-NUMBER. API servers store it in etcd in front of every value that the key has encrypted.
	Name string `json:"name"`
	// Secret is the key itself, 32 bytes in base64.
	Secret string `json:"secret"`
}

// number returns the number in the key's name, or 0 if dualstrap does not write such a name.
func (k Key) number() int {
	text, ours := strings.CutPrefix(k.Name, keyNamePrefix)
	number, err := strconv.ParseUint(text, 10, 31)
	// The round trip rejects other spellings of a number, such as key-01.
	if !ours || err != nil || keyName(int(number)) != k.Name {
		return 0
	}
	return int(number)
}

// keyName returns the name of the key with a number.
func keyName(number int) string { return keyNamePrefix + strconv.Itoa(number) }

// Config is the content of a key file. API servers encrypt Secrets with the first key, and decrypt with all of them.
// [Parse] returns one or two keys; the zero value has none and is not valid.
type Config struct{ Keys []Key }

// First returns the Config of a new cluster, with the secret as its only key.
func First(secret string) Config { return Config{Keys: []Key{{Name: keyName(1), Secret: secret}}} }

// Encrypting returns the key that Secrets are encrypted with.
func (c Config) Encrypting() Key { return c.Keys[0] }

// Prefix returns the text that precedes every value in etcd that the first key has encrypted. It is
// kube-apiserver's storage format: k8s:enc:PROVIDER:VERSION:KEY:.
func (c Config) Prefix() string { return "k8s:enc:secretbox:v1:" + c.Encrypting().Name + ":" }

// equal reports whether both have the same keys in the same order.
func (c Config) equal(other Config) bool { return slices.Equal(c.Keys, other.Keys) }

// configFile is an EncryptionConfiguration as this package writes it. The type of Kubernetes also allows other
// resources, weaker providers, and sockets of KMS plugins to query; fields that are missing here are rejected.
type configFile struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Resources  []encryptedObject `json:"resources"`
}

// encryptedObject lists the providers of some resources. API servers encrypt with the first provider, and decrypt with
// the provider that a stored value names.
type encryptedObject struct {
	Resources []string   `json:"resources"`
	Providers []provider `json:"providers"`
}

// provider has exactly one of its fields set.
type provider struct {
	Secretbox *keyList `json:"secretbox,omitempty"`
	// Identity stores and reads values unencrypted.
	Identity *struct{} `json:"identity,omitempty"`
}

// keyList is the configuration of the secretbox provider.
type keyList struct {
	Keys []Key `json:"keys"`
}

const (
	apiVersion = "apiserver.config.k8s.io/v1"
	kind       = "EncryptionConfiguration"
	resource   = "secrets"
	// note is the comment at the top of a key file, for administrators who find it.
	note = "# Secrets in etcd are encrypted with the first of these keys: without it nobody can read them. Made by dualstrap.\n"
)

// Encode returns the content of the key file. The same keys always encode to the same bytes: the rotation compares the
// file's digest with the one that API servers report.
func (c Config) Encode() ([]byte, error) {
	content, err := yaml.Marshal(configFile{
		APIVersion: apiVersion, Kind: kind,
		Resources: []encryptedObject{{
			Resources: []string{resource},
			// Secretbox is the strongest provider that needs no KMS plugin. Identity reads values that were stored
			// before there was a key (https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/#providers).
			Providers: []provider{{Secretbox: &keyList{Keys: c.Keys}}, {Identity: &struct{}{}}},
		}},
	})
	return append([]byte(note), content...), err
}

// Digest returns the hash by which API servers identify a key file in their metrics.
func Digest(content []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(content)) }

// Parse parses a key file. The content comes from a host and is not trusted: Parse accepts only fields and values that
// [Config.Encode] writes. Errors say what is wrong, and never contain a key.
func Parse(content []byte) (Config, error) {
	if len(content) > MaxSize {
		return Config{}, fmt.Errorf("it is longer than %d bytes", MaxSize)
	}
	if len(bytes.TrimSpace(content)) == 0 {
		return Config{}, errors.New("it is empty")
	}
	if bytes.Contains(content, []byte("\n---")) || bytes.Contains(content, []byte("\n...")) {
		// The decoder reads only the first document, and would ignore the others silently.
		return Config{}, errors.New("it is more than one document")
	}
	// The decoders' errors are dropped below: they may quote the file, and with it a key.
	document, err := yaml.YAMLToJSONStrict(content)
	if err != nil {
		return Config{}, errors.New("it is not a YAML document")
	}
	var file configFile
	strict, err := json.UnmarshalStrict(document, &file)
	if err != nil || len(strict) > 0 {
		return Config{}, errors.New("it has fields that dualstrap does not write, or of the wrong type")
	}
	if file.APIVersion != apiVersion || file.Kind != kind {
		return Config{}, errors.New("it is not an " + kind + " of " + apiVersion)
	}
	list, err := file.keys()
	if err != nil {
		return Config{}, err
	}
	return Config{Keys: list}, checkKeys(list)
}

// keys returns the keys of a file that encrypts only Secrets, and with secretbox. It returns an error for other resources
// and for other providers.
func (f *configFile) keys() ([]Key, error) {
	if len(f.Resources) != 1 || !slices.Equal(f.Resources[0].Resources, []string{resource}) {
		return nil, errors.New("it is about other resources than " + resource)
	}
	providers := f.Resources[0].Providers
	if len(providers) != 2 || providers[0].Secretbox == nil || providers[0].Identity != nil ||
		providers[1].Secretbox != nil || providers[1].Identity == nil {
		return nil, errors.New("its providers are not secretbox and then identity")
	}
	return providers[0].Secretbox.Keys, nil
}

// checkKeys returns an error if a key is malformed, if the two keys are the same, or if there are more keys than a
// rotation needs. Errors name a key by its position until its name is known to be safe to print.
func checkKeys(list []Key) error {
	if len(list) == 0 || len(list) > maxKeys {
		return fmt.Errorf("it has %d keys instead of 1, or 2 while one takes the other's place", len(list))
	}
	for i, key := range list {
		if key.number() == 0 {
			return fmt.Errorf("the name of key %d is not key-NUMBER", i+1)
		}
		if !isSecret(key.Secret) {
			return fmt.Errorf("%s is not %d bytes in base64", key.Name, keySize)
		}
	}
	if len(list) == maxKeys && (list[0].Name == list[1].Name || list[0].Secret == list[1].Secret) {
		return errors.New("its two keys are one")
	}
	return nil
}

// isSecret reports whether text is a key of keySize bytes in canonical base64: the decoder ignores line breaks, which
// the comparison with the re-encoded key rejects.
func isSecret(text string) bool {
	secret, err := base64.StdEncoding.Strict().DecodeString(text)
	return err == nil && len(secret) == keySize && base64.StdEncoding.EncodeToString(secret) == text
}

// CheckSecret returns an error if text, which a host has generated as a new key, is not one. The error does not contain
// the text.
func CheckSecret(text string) error {
	if !isSecret(text) {
		return fmt.Errorf("it is not %d bytes in base64", keySize)
	}
	return nil
}
