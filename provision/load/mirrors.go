package load

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/types"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/internal/localfile"
	"github.com/dualstrap/dualstrap/render"
)

// MaxFile is the maximum size of a file that is read on this machine, in bytes: certificates for registry mirrors, docker
// configurations, kubeconfigs. All of them are far smaller.
const MaxFile = 8 << 20

// Mirrors reads the files on this machine that the manifests name for registry mirrors, and returns their contents by
// endpoint. It adds the credentials in them to secrets, so that logs do not show them.
func Mirrors(cfg *api.Config, secrets *remote.Secrets) (map[string]render.MirrorFacts, error) {
	mirrors := map[string]render.MirrorFacts{}
	for _, mirror := range cfg.RegistryMirrors {
		var facts render.MirrorFacts
		var err error
		if path := mirror.CACertPath; path != "" {
			if facts.CACert, err = readCertificates(path); err != nil {
				return nil, fmt.Errorf("cannot use caCertPath of registry mirror %s: %w", mirror.Endpoint, err)
			}
		}
		if path := mirror.PullCredentialConfigPath; path != "" {
			credentials, err := readCredentials(path, mirror.Endpoint)
			if err != nil {
				return nil, fmt.Errorf("cannot use pullCredentialConfigPath of registry mirror %s: %w", mirror.Endpoint, err)
			}
			// Logs may show the password itself, or the header that has it in base64.
			encoded := base64.StdEncoding.EncodeToString([]byte(credentials.Username + ":" + credentials.Password))
			secrets.Add(credentials.Password)
			secrets.Add(encoded)
			facts.Authorization = "Basic " + encoded
		}
		mirrors[mirror.Endpoint] = facts
	}
	return mirrors, nil
}

// readCertificates reads a PEM file of certificates. It rejects any other block, such as a private key: the content goes
// to every host, in a file that all users there can read. Text between the blocks is dropped.
func readCertificates(path string) ([]byte, error) {
	content, err := localfile.Read(path, MaxFile)
	if err != nil {
		return nil, err
	}
	var certificates bytes.Buffer
	for rest := content; ; {
		// Decode skips anything that is not a PEM block.
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%s holds a %s beside certificates", path, block.Type)
		}
		certificates.Write(pem.EncodeToMemory(block))
	}
	if certificates.Len() == 0 {
		return nil, fmt.Errorf("%s holds no certificate in PEM", path)
	}
	return certificates.Bytes(), nil
}

// readCredentials returns the user and password for a mirror from a docker config.json. It finds them as docker does,
// which includes credential helpers on this machine. Errors never contain parts of the file.
func readCredentials(path, endpoint string) (types.AuthConfig, error) {
	content, err := localfile.Read(path, MaxFile)
	if err != nil {
		return types.AuthConfig{}, err
	}
	mirror, err := url.Parse(endpoint)
	if err != nil { // the error of package url would repeat the endpoint, which the caller's message has
		return types.AuthConfig{}, errors.New("the endpoint is not a URL")
	}
	file, err := config.LoadFromReader(bytes.NewReader(content))
	if err != nil { // it may quote the file, so it is not wrapped
		return types.AuthConfig{}, fmt.Errorf("%s is not a docker config.json", path)
	}
	credentials, err := file.GetAuthConfig(mirror.Host)
	switch {
	// containerd's hosts.toml takes a header with user and password; identity tokens need an exchange with the registry.
	case err != nil:
		return types.AuthConfig{}, fmt.Errorf("cannot ask the credential helper that %s names: %w", path, err)
	case credentials.IdentityToken != "" || credentials.RegistryToken != "":
		return types.AuthConfig{}, fmt.Errorf("%s has a token for %s, and hosts need a user and a password", path, mirror.Host)
	case credentials.Username == "" || credentials.Password == "":
		return types.AuthConfig{}, fmt.Errorf("%s has no user and password for %s", path, mirror.Host)
	}
	return credentials, nil
}
