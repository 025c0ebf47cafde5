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
	// MaxSize bounds a file of keys, in bytes. One with two keys has less than 1 KiB.
	MaxSize = 16 << 10
	// keySize is that of secretbox, in bytes.
	keySize = 32
	// keyNamePrefix stands before the number of a key.
	keyNamePrefix = "key-"
	// maxKeys are there while one takes another's place.
	maxKeys = 2
)

// Key is one that API servers encrypt Secrets with.
type Key struct {
	// Name is key-NUMBER. It stands in etcd before everything that the key has encrypted.
	Name string `json:"name"`
	// Secret is the key itself, 32 bytes in base64.
	Secret string `json:"secret"`
}

// number is that of the name; 0 when it is none of ours.
func (k Key) number() int {
	text, ours := strings.CutPrefix(k.Name, keyNamePrefix)
	number, err := strconv.ParseUint(text, 10, 31)
	if !ours || err != nil || keyName(int(number)) != k.Name {
		return 0
	}
	return int(number)
}

func keyName(number int) string { return keyNamePrefix + strconv.Itoa(number) }

// Config is what a file of keys holds. API servers encrypt Secrets with the first key, and decrypt with all.
type Config struct{ Keys []Key }

// First returns the Config of a new cluster.
func First(secret string) Config { return Config{Keys: []Key{{Name: keyName(1), Secret: secret}}} }

// Encrypting returns the key that Secrets are encrypted with.
func (c Config) Encrypting() Key { return c.Keys[0] }

// Prefix is what values in etcd begin with that the first key has encrypted.
func (c Config) Prefix() string { return "k8s:enc:secretbox:v1:" + c.Encrypting().Name + ":" }

// equal reports whether both have the same keys in the same order.
func (c Config) equal(other Config) bool { return slices.Equal(c.Keys, other.Keys) }

// configFile is an EncryptionConfiguration as this package writes it. Kubernetes' own could name other resources,
// weaker providers and sockets to ask; any field that is not here is refused.
type configFile struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Resources  []encryptedObject `json:"resources"`
}

type encryptedObject struct {
	Resources []string   `json:"resources"`
	Providers []provider `json:"providers"`
}

type provider struct {
	Secretbox *keyList  `json:"secretbox,omitempty"`
	Identity  *struct{} `json:"identity,omitempty"`
}

type keyList struct {
	Keys []Key `json:"keys"`
}

const (
	apiVersion = "apiserver.config.k8s.io/v1"
	kind       = "EncryptionConfiguration"
	resource   = "secrets"
	// note is for whoever finds the file.
	note = "# Secrets in etcd are encrypted with the first of these keys: without it nobody can read them. Made by dualstrap.\n"
)

// Encode returns the file. The same keys give the same bytes.
func (c Config) Encode() ([]byte, error) {
	content, err := yaml.Marshal(configFile{
		APIVersion: apiVersion, Kind: kind,
		Resources: []encryptedObject{{
			Resources: []string{resource},
			// Secretbox is the strongest of the providers that need nobody else; what was stored before there was a key
			// is read as it is (https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/#providers).
			Providers: []provider{{Secretbox: &keyList{Keys: c.Keys}}, {Identity: &struct{}{}}},
		}},
	})
	return append([]byte(note), content...), err
}

// Digest returns what API servers call a file by in their metrics.
func Digest(content []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(content)) }

// Parse reads a file of keys. It is a host's, so nothing but what [Config.Encode] writes is taken. Errors say what is
// wrong, and never repeat a key.
func Parse(content []byte) (Config, error) {
	if len(content) > MaxSize {
		return Config{}, fmt.Errorf("it is longer than %d bytes", MaxSize)
	}
	if len(bytes.TrimSpace(content)) == 0 {
		return Config{}, errors.New("it is empty")
	}
	if bytes.Contains(content, []byte("\n---")) || bytes.Contains(content, []byte("\n...")) {
		return Config{}, errors.New("it is more than one document") // of which only the first would be read
	}
	// What the decoders say may quote the file, and so a key.
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

// keys returns the keys of a file that encrypts Secrets, and nothing else, with secretbox.
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

// checkKeys refuses keys that are none, and more than a rotation needs.
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

// isSecret reports whether a text is a key, spelt in the only way.
func isSecret(text string) bool {
	secret, err := base64.StdEncoding.Strict().DecodeString(text)
	return err == nil && len(secret) == keySize && base64.StdEncoding.EncodeToString(secret) == text
}

// CheckSecret refuses what a host may give instead of a new key. The error does not repeat it.
func CheckSecret(text string) error {
	if !isSecret(text) {
		return fmt.Errorf("it is not %d bytes in base64", keySize)
	}
	return nil
}
