package provision

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/internal/certtest"
)

func TestReadMirrors(t *testing.T) {
	t.Parallel()
	const endpoint = "https://mirror.example:5000/v2/all"
	basic := base64.StdEncoding.EncodeToString([]byte("user:se:cret"))
	ca := certtest.New(t)
	certificate, key := ca.Issue(t)
	for name, test := range map[string]struct {
		ca, config string
		// want is a part of the error; without one, of what the log may not have.
		want string
	}{
		"nothing":                {},
		"as docker login writes": {config: `{"auths": {"mirror.example:5000": {"auth": "` + basic + `"}}}`},
		"a URL":                  {config: `{"auths": {"https://mirror.example:5000/v1/": {"username": "user", "password": "se:cret"}}}`},
		"certificates":           {ca: "# the mirror's\n" + string(ca.PEM()) + string(certificate)},
		"a key":                  {ca: string(ca.PEM()) + string(key), want: "holds a EC PRIVATE KEY beside certificates"},
		"no certificate":         {ca: "-----BEGIN", want: "holds no certificate in PEM"},
		"another registry": {
			config: `{"auths": {"mirror.example": {"auth": "` + basic + `"}}}`, want: "has no user and password for mirror.example:5000",
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
			mirror := api.RegistryMirror{Endpoint: endpoint}
			dir := t.TempDir()
			for _, file := range []struct {
				name, content string
				path          *string
			}{{"ca.crt", test.ca, &mirror.CACertPath}, {"config.json", test.config, &mirror.PullCredentialConfigPath}} {
				if file.content == "" {
					continue
				}
				*file.path = filepath.Join(dir, file.name)
				if err := os.WriteFile(*file.path, []byte(file.content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var secrets remote.Secrets
			got, err := readMirrors(&api.Config{RegistryMirrors: []api.RegistryMirror{mirror}}, &secrets)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), endpoint) ||
					strings.Contains(err.Error(), "se:cret") {
					t.Errorf("the error is %v, want %s", err, test.want)
				}
				return
			}
			facts := got[endpoint]
			if err != nil || test.config != "" && facts.Authorization != "Basic "+basic {
				t.Errorf("it returns %q, %v", facts.Authorization, err)
			}
			if test.ca != "" && string(facts.CACert) != string(ca.PEM())+string(certificate) {
				t.Errorf("certificates:\n%s", facts.CACert)
			}
			if redacted := secrets.Redact("Basic " + basic + " se:cret"); test.config != "" && redacted != "Basic [redacted] [redacted]" {
				t.Errorf("a log would say %q", redacted)
			}
		})
	}
}

func TestReadMirrorsNamesMissingFile(t *testing.T) {
	t.Parallel()
	mirrors := []api.RegistryMirror{{Endpoint: "https://m.example", CACertPath: "/does/not/exist.crt"}}
	_, err := readMirrors(&api.Config{RegistryMirrors: mirrors}, &remote.Secrets{})
	if err == nil || !strings.Contains(err.Error(), "caCertPath of registry mirror https://m.example: open /does/not/exist.crt") {
		t.Errorf("the error is %v", err)
	}
}
