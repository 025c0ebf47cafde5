//go:build integration

package signature_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/bundle/signature"
)

// keygen runs ssh-keygen in a directory.
func keygen(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := tryKeygen(t, dir, args...)
	if err != nil {
		t.Fatalf("ssh-keygen %q: %v\n%s", args, err, out)
	}
	return out
}

func tryKeygen(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ssh-keygen", args...)
	cmd.Dir = dir
	if args[0] == "-Y" && args[1] == "verify" {
		cmd.Stdin = strings.NewReader(message)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func readText(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(content))
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// keyKinds returns the arguments of ssh-keygen that create a key of each type.
func keyKinds() map[string][]string {
	return map[string][]string{
		"ed25519": {"-t", "ed25519"}, "rsa": {"-t", "rsa", "-b", "3072"},
		"ecdsa256": {"-t", "ecdsa", "-b", "256"}, "ecdsa384": {"-t", "ecdsa", "-b", "384"}, "ecdsa521": {"-t", "ecdsa", "-b", "521"},
	}
}

// TestIntegrationOpenSSHAndWe signs with one implementation and verifies with the other, in both directions, for every type of key
// and hash.
func TestIntegrationOpenSSHAndWe(t *testing.T) {
	t.Parallel()
	for kind, args := range keyKinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			keygen(t, dir, append(args, "-q", "-N", "", "-C", "test", "-f", "key")...)
			signers := "ann@example.com " + readText(t, filepath.Join(dir, "key.pub")) + "\n"
			writeText(t, filepath.Join(dir, "signers"), signers)
			writeText(t, filepath.Join(dir, "manifest.json"), message)

			for _, hash := range []string{"sha256", "sha512"} {
				if err := os.RemoveAll(filepath.Join(dir, "manifest.json.sig")); err != nil {
					t.Fatal(err)
				}
				keygen(t, dir, "-Y", "sign", "-n", signature.Namespace, "-O", "hashalg="+hash, "-f", "key", "manifest.json")
				who, err := verify([]byte(readText(t, filepath.Join(dir, "manifest.json.sig"))), signers)
				if err != nil || who.Principal != "ann@example.com" {
					t.Errorf("what ssh-keygen signed with %s: %v, %v", hash, who, err)
				}
			}

			signed, err := signature.SignWith(t.Context(), filepath.Join(dir, "key"), "", []byte(message))
			if err != nil {
				t.Fatal(err)
			}
			writeText(t, filepath.Join(dir, "ours.sig"), string(signed))
			out := keygen(t, dir, "-Y", "verify", "-n", signature.Namespace, "-I", "ann@example.com", "-f", "signers", "-s", "ours.sig")
			if !strings.HasPrefix(out, `Good "dualstrap-bundle" signature for ann@example.com`) {
				t.Errorf("of ours ssh-keygen says %q", out)
			}
		})
	}
}

// TestIntegrationOpenSSHAgrees compares the results of verification with files of allowed signers: a signer that ssh-keygen
// refuses is refused here as well. In addition, this package refuses lines that cannot be parsed, which ssh-keygen
// skips.
func TestIntegrationOpenSSHAgrees(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"key", "other", "authority"} {
		keygen(t, dir, "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name)
	}
	key, other := readText(t, filepath.Join(dir, "key.pub")), readText(t, filepath.Join(dir, "other.pub"))
	authority := readText(t, filepath.Join(dir, "authority.pub"))
	writeText(t, filepath.Join(dir, "manifest.json"), message)
	keygen(t, dir, "-q", "-s", "authority", "-I", "id", "-n", "ann", "-V", "-1d:+1d", "key.pub")
	plain, err := signature.SignWith(t.Context(), filepath.Join(dir, "key"), "", []byte(message))
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, filepath.Join(dir, "plain.sig"), string(plain))
	// Only ssh-keygen can sign with a certificate in the place of the key.
	keygen(t, dir, "-Y", "sign", "-n", signature.Namespace, "-f", "key-cert.pub", "manifest.json")
	writeText(t, filepath.Join(dir, "cert.sig"), readText(t, filepath.Join(dir, "manifest.json.sig"))+"\n")
	keygen(t, dir, "-q", "-s", "authority", "-I", "id", "key.pub")
	if err := os.Remove(filepath.Join(dir, "manifest.json.sig")); err != nil {
		t.Fatal(err)
	}
	keygen(t, dir, "-Y", "sign", "-n", signature.Namespace, "-f", "key-cert.pub", "manifest.json")
	writeText(t, filepath.Join(dir, "everybody.sig"), readText(t, filepath.Join(dir, "manifest.json.sig"))+"\n")

	for _, test := range []struct {
		signers, signed string
		good            bool
		// stricter is set where this package refuses what ssh-keygen accepts.
		stricter bool
	}{
		{"ann " + key, "plain.sig", true, false},
		{"bob,ann " + key, "plain.sig", true, false},
		{"ann " + other + "\nann " + key, "plain.sig", true, false},
		{`ann namespaces="dualstrap-*",valid-after="20200101",valid-before="20990101" ` + key, "plain.sig", true, false},
		{"ann " + other, "plain.sig", false, false},
		{`ann namespaces="git" ` + key, "plain.sig", false, false},
		{`ann namespaces="*,!dualstrap-*" ` + key, "plain.sig", false, false},
		{`ann valid-after="20990101" ` + key, "plain.sig", false, false},
		{`ann valid-before="20200101" ` + key, "plain.sig", false, false},
		{"ann cert-authority " + key, "plain.sig", false, false},
		{"ann garbage\nann " + key, "plain.sig", false, true},
		{"garbage\nann " + key, "plain.sig", false, true},
		{`ann valid-before="tomorrow" ` + key, "plain.sig", false, false},
		{`ann unknown="x" ` + key, "plain.sig", false, false},
		{"ann cert-authority " + authority, "cert.sig", true, false},
		{"a* cert-authority " + authority, "cert.sig", true, false},
		{`ann cert-authority,namespaces="dualstrap-bundle" ` + authority, "cert.sig", true, false},
		{"bob cert-authority " + authority, "cert.sig", false, false},
		{"*,!ann cert-authority " + authority, "cert.sig", false, false},
		{"ann cert-authority " + other, "cert.sig", false, false},
		{"ann " + authority, "cert.sig", false, false},
		{"ann " + key, "cert.sig", false, false},
		{"ann cert-authority " + authority, "everybody.sig", false, false},
	} {
		writeText(t, filepath.Join(dir, "signers"), test.signers+"\n")
		out, theirs := tryKeygen(t, dir, "-Y", "verify", "-n", signature.Namespace, "-I", "ann", "-f", "signers", "-s", test.signed)
		allowed, ours := signature.ParseAllowed("signers", []byte(test.signers))
		if ours == nil {
			_, ours = signature.Verify([]byte(message), []byte(readText(t, filepath.Join(dir, test.signed))), allowed, time.Now())
		}
		short := strings.NewReplacer(key, "KEY", other, "OTHER", authority, "AUTHORITY").Replace(test.signers)
		if (theirs == nil) != (test.good || test.stricter) || (ours == nil) != test.good {
			t.Errorf("%s with %q, good %t: ssh-keygen says %v %q, we %v", test.signed, short, test.good, theirs, out, ours)
		}
	}
}

// TestIntegrationOpenSSHAgent signs with keys of which only the agent has the decrypted private key.
func TestIntegrationOpenSSHAgent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	server := exec.CommandContext(t.Context(), "ssh-agent", "-D", "-a", socket)
	ready, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	if _, err := ready.Read(make([]byte, 1)); err != nil { // the agent prints its socket once it listens
		t.Fatal(err)
	}
	for kind, args := range keyKinds() {
		path := filepath.Join(dir, kind)
		keygen(t, dir, append(args, "-q", "-N", "", "-C", kind, "-f", kind)...)
		add := exec.CommandContext(t.Context(), "ssh-add", "-q", path)
		add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
		if out, err := add.CombinedOutput(); err != nil {
			t.Fatalf("ssh-add: %v\n%s", err, out)
		}
		keygen(t, dir, "-q", "-p", "-P", "", "-N", "secret", "-f", kind) // from now on only the agent can sign
		for _, named := range []string{path, path + ".pub"} {
			signed, err := signature.SignWith(t.Context(), named, socket, []byte(message))
			if err != nil {
				t.Errorf("%s: %v", named, err)
				continue
			}
			if _, err := verify(bytes.TrimSpace(signed), "ann "+readText(t, path+".pub")); err != nil {
				t.Errorf("%s: %v", named, err)
			}
		}
	}
}
