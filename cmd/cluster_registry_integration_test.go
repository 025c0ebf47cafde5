//go:build integration

package cmd_test

import (
	"archive/tar"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/crypto/bcrypt"

	"github.com/dualstrap/dualstrap/internal/certtest"
	"github.com/dualstrap/dualstrap/internal/localfile"
)

// testRegistry is a container registry on this machine, at the lab's gateway. Its certificate is signed by an authority of
// its own, and it requires a password.
type testRegistry struct {
	dir, address   string
	user, password string
	client         http.Client
}

// startRegistry starts a registry, which is stopped when the test ends.
func startRegistry(t *testing.T) *testRegistry {
	t.Helper()
	r := &testRegistry{dir: t.TempDir(), address: "10.2.0.1:5443", user: "puller", password: "Correct-Horse-9"}
	authority := certtest.New(t)
	certificate, key := authority.Issue(t, "10.2.0.1")
	hash, err := bcrypt.GenerateFromPassword([]byte(r.password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string]string{
		"ca.crt": string(authority.PEM()), "tls.crt": string(certificate), "tls.key": string(key),
		"htpasswd":    r.user + ":" + string(hash) + "\n",
		"config.json": fmt.Sprintf(`{"auths": {%q: {"username": %q, "password": %q}}}`, r.address, r.user, r.password),
		"registry.yml": fmt.Sprintf("version: 0.1\nstorage: {filesystem: {rootdirectory: %[1]s/images}}\n"+
			"http: {addr: %[2]q, tls: {certificate: %[1]s/tls.crt, key: %[1]s/tls.key}}\nauth: {htpasswd: {realm: lab, path: %[1]s/htpasswd}}\n",
			r.dir, r.address),
	} {
		if err := os.WriteFile(r.file(file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority.PEM())
	r.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	server := exec.CommandContext(t.Context(), "docker-registry", "serve", r.file("registry.yml"))
	var log strings.Builder
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Wait() // the end of the test's context kills it
		if t.Failed() {
			t.Log(log.String())
		}
	})
	eventually(t, "the registry asks for a password", func() string {
		response, err := r.client.Get("https://" + r.address + "/v2/")
		if err != nil {
			return err.Error()
		}
		response.Body.Close()
		if response.StatusCode != http.StatusUnauthorized {
			return response.Status
		}
		return ""
	})
	return r
}

func (r *testRegistry) file(name string) string { return filepath.Join(r.dir, name) }

// header returns a header for manifests that makes the registry a mirror of registry.example, which does not exist.
func (r *testRegistry) header() string {
	return fmt.Sprintf("registryMirrors:\n- endpoint: https://%s\n  caCertPath: %s\n  pullCredentialConfigPath: %s\n"+
		"  hosts: [registry.example]\n---\n", r.address, r.file("ca.crt"), r.file("config.json"))
}

// push pushes an image of a bundle to a repository.
func (r *testRegistry) push(t *testing.T, archive, repository string) {
	t.Helper()
	images := t.TempDir()
	if err := unpack(archive, images); err != nil {
		t.Fatal(err)
	}
	index, err := layout.ImageIndexFromPath(images)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	reference, err := name.ParseReference(r.address + "/" + repository)
	if err != nil {
		t.Fatal(err)
	}
	login := remote.WithAuth(&authn.Basic{Username: r.user, Password: r.password})
	if err := remote.Write(reference, image, login, remote.WithTransport(r.client.Transport)); err != nil {
		t.Fatal(err)
	}
}

// unpack extracts a tar archive of regular files into a directory.
func unpack(path, dir string) error {
	file, err := localfile.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	for archive := tar.NewReader(file); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			return err
		}
		target := filepath.Join(dir, filepath.FromSlash(header.Name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, content, 0o600); err != nil {
			return err
		}
	}
}

// pullsThrough runs a pod with an image that only the registry has, and checks that the password is not in the workspace, and
// that only root can read its file on hosts.
func (c *testCluster) pullsThrough(t *testing.T, registry *testRegistry) {
	t.Helper()
	archives, err := filepath.Glob(filepath.Join(c.bundle, "images", "*hello*"))
	if err != nil || len(archives) != 1 {
		t.Fatalf("archives of the image: %v, %v", archives, err)
	}
	registry.push(t, archives[0], "team/hello:1")
	c.apply(t, "apiVersion: v1\nkind: Pod\nmetadata:\n  name: pulled\nspec:\n  nodeName: "+hostName("worker-1")+
		"\n  containers:\n  - name: hello\n    image: registry.example/team/hello:1\n    imagePullPolicy: Always\n")
	if _, err := c.tryKube(t, "", "wait", "--for=condition=Ready", "pod/pulled", "--timeout=120s"); err != nil {
		t.Errorf("%v\n%s", err, c.kube(t, "describe", "pod", "pulled"))
	}
	mode := c.on(t, hostName("worker-1"), "stat -c %a /etc/containerd/certs.d/registry.example/hosts.toml")
	if strings.TrimSpace(mode) != "600" {
		t.Errorf("the file with the password has mode %s", mode)
	}
	err = filepath.WalkDir(c.workspaces, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if strings.Contains(string(content), registry.password) || strings.Contains(string(content), "Basic ") {
			t.Errorf("%s has the password", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
