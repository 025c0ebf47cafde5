package load

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/internal/certtest"
	"github.com/dualstrap/dualstrap/render"
)

const (
	mirrorEndpoint = "https://mirror.example:5000/v2/all"
	mirrorPassword = "se:cret"
)

// readMirror reads a mirror whose files have these contents. Empty contents mean that the manifests name no file.
func readMirror(t *testing.T, ca, config string) (render.MirrorFacts, *remote.Secrets, error) {
	t.Helper()
	mirror := api.RegistryMirror{Endpoint: mirrorEndpoint}
	dir := t.TempDir()
	for _, file := range []struct {
		name, content string
		path          *string
	}{{"ca.crt", ca, &mirror.CACertPath}, {"config.json", config, &mirror.PullCredentialConfigPath}} {
		if file.content == "" {
			continue
		}
		*file.path = filepath.Join(dir, file.name)
		if err := os.WriteFile(*file.path, []byte(file.content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var secrets remote.Secrets
	facts, err := Mirrors(&api.Config{RegistryMirrors: []api.RegistryMirror{mirror}}, &secrets)
	return facts[mirrorEndpoint], &secrets, err
}

func basicAuth() string { return base64.StdEncoding.EncodeToString([]byte("user:" + mirrorPassword)) }

func TestReadMirrors(t *testing.T) {
	t.Parallel()
	ca := certtest.New(t)
	certificate, _ := ca.Issue(t)
	for name, test := range map[string]struct{ ca, config string }{
		"nothing":                {},
		"as docker login writes": {config: `{"auths": {"mirror.example:5000": {"auth": "` + basicAuth() + `"}}}`},
		"a URL":                  {config: `{"auths": {"https://mirror.example:5000/v1/": {"username": "user", "password": "se:cret"}}}`},
		"certificates":           {ca: "# the mirror's\n" + string(ca.PEM()) + string(certificate)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts, secrets, err := readMirror(t, test.ca, test.config)
			if err != nil || test.config != "" && facts.Authorization != "Basic "+basicAuth() {
				t.Errorf("it returns %q, %v", facts.Authorization, err)
			}
			if test.ca != "" && string(facts.CACert) != string(ca.PEM())+string(certificate) {
				t.Errorf("certificates:\n%s", facts.CACert)
			}
			redacted := secrets.Redact("Basic " + basicAuth() + " " + mirrorPassword)
			if test.config != "" && redacted != "Basic [redacted] [redacted]" {
				t.Errorf("a log would say %q", redacted)
			}
		})
	}
}

// TestHostileMirrorFiles tries files for registry mirrors that hold something else, as a key that would go to all hosts.
// No error repeats what is in them.
func TestHostileMirrorFiles(t *testing.T) {
	t.Parallel()
	ca := certtest.New(t)
	_, key := ca.Issue(t)
	for name, test := range map[string]struct{ ca, config, want string }{
		"a key":          {ca: string(ca.PEM()) + string(key), want: "holds a EC PRIVATE KEY beside certificates"},
		"no certificate": {ca: "-----BEGIN", want: "holds no certificate in PEM"},
		"another registry": {
			config: `{"auths": {"mirror.example": {"auth": "` + basicAuth() + `"}}}`, want: "has no user and password for mirror.example:5000",
		},
		"a token": {
			config: `{"auths": {"mirror.example:5000": {"identitytoken": "se:cret"}}}`, want: "has a token for mirror.example:5000",
		},
		"a helper that is missing": {
			config: `{"credHelpers": {"mirror.example:5000": "none-such"}}`, want: "cannot ask the credential helper that ",
		},
		"no JSON": {config: "user:se:cret", want: "is not a docker config.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := readMirror(t, test.ca, test.config)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), mirrorEndpoint) ||
				strings.Contains(err.Error(), mirrorPassword) {
				t.Errorf("the error is %v, want %s", err, test.want)
			}
		})
	}
}

func TestReadMirrorsNamesMissingFile(t *testing.T) {
	t.Parallel()
	mirrors := []api.RegistryMirror{{Endpoint: "https://m.example", CACertPath: "/does/not/exist.crt"}}
	_, err := Mirrors(&api.Config{RegistryMirrors: mirrors}, &remote.Secrets{})
	if err == nil || !strings.Contains(err.Error(), "caCertPath of registry mirror https://m.example: open /does/not/exist.crt") {
		t.Errorf("the error is %v", err)
	}
}
