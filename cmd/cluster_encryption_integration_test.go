//go:build integration

package cmd_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep/check"
)

// encrypts returns a replacement for rewrite that enables the encryption of Secrets.
func encrypts() []string {
	return []string{"allowCgroupV1: true\n", "allowCgroupV1: true\nclusterSecurity:\n  encryptSecrets: true\n"}
}

// keysFile is the path of the encryption configuration on control plane nodes.
const keysFile = "/etc/dualstrap/apiserver/encryption.yaml"

// clusterEncrypts checks a cluster of three control plane nodes that encrypts Secrets. It removes the file of keys of a node,
// rotates the key, and changes the file of a node.
func clusterEncrypts(t *testing.T, c *testCluster) {
	t.Helper()
	c.kube(t, "create", "secret", "generic", "kept", "--from-literal=word=swordfish")
	c.isEncryptedWith(t, "key-1")
	before := c.keyOn(t, hostName("cp-1"))

	c.on(t, hostName("cp-2"), "rm "+keysFile)
	args := []string{"check", "preflight", "-f", c.manifest, "--bundle", c.bundle, "-o", "json"}
	out, err := exec.CommandContext(t.Context(), c.program, args...).Output()
	var preflight check.Report
	if decoding := json.Unmarshal(out, &preflight); err != nil || decoding != nil {
		t.Fatalf("check preflight: %v, %v\n%s", err, decoding, out)
	}
	for _, host := range preflight.Hosts {
		want := map[bool]string{true: "write " + keysFile}[host.Address.String() == "10.2.0.102"]
		if got := strings.Join(host.Changes, "\n"); got != want {
			t.Errorf("before it is repaired, check preflight says of %s: %q", host.Address, got)
		}
	}
	repaired := c.mustCreate(t, "--skip-verify")
	if got := strings.Join(repaired.summary(), "\n"); got != "10.2.0.102 encryption-key: write "+keysFile {
		t.Errorf("it repairs:\n%s", got)
	}

	// The run is killed just before the new key is used for encryption. The next one finishes it.
	if code, said := c.rotateUntil(t, "10.2.0.103 prefer-key"); code >= 0 {
		t.Errorf("it has ended before it was killed, with exit code %d:\n%s", code, said)
	}
	c.reads(t)
	result := c.rotate(t)
	if !result.OK || !result.Resumed || result.Key != "key-2" || result.Rewritten < 2 {
		t.Errorf("the rotation says %+v", result)
	}
	c.isEncryptedWith(t, "key-2")
	after := c.keyOn(t, hostName("cp-1"))
	if after == before {
		t.Error("the key is the same")
	}
	c.keepsKeys(t, before, after)

	// The change is a comment, so that the API server finds the same keys whenever it reloads the file.
	c.on(t, hostName("cp-3"), "cp -a "+keysFile+" /root/kept; echo '# mine' >>"+keysFile)
	_, said, err := c.create(t, "--skip-verify")
	for _, want := range []string{
		keysFile + " is not the same on all control plane nodes", "10.2.0.4, 10.2.0.102: the file is sha256:", "10.2.0.103: the file is sha256:",
	} {
		if exitCode(err) != 4 || !strings.Contains(said, want) {
			t.Errorf("exit code %d, it does not say %q:\n%s", exitCode(err), want, said)
		}
	}
	c.on(t, hostName("cp-3"), "mv /root/kept "+keysFile)
}

// keyOn returns the encryption key on a host, which must have exactly one.
func (c *testCluster) keyOn(t *testing.T, host string) string {
	t.Helper()
	key := c.on(t, host, "sed -n 's/^ *secret: //p' "+keysFile)
	if len(key) != 44 {
		t.Fatalf("%s has keys of %d characters together", host, len(key))
	}
	return key
}

// isEncryptedWith checks in each member of etcd that the Secret is encrypted with the key, and that each API server can read
// it.
func (c *testCluster) isEncryptedWith(t *testing.T, key string) {
	t.Helper()
	const stored = `cd /etc/kubernetes/pki/etcd
curl --silent --fail --cacert ca.crt --cert healthcheck-client.crt --key healthcheck-client.key https://127.0.0.1:2379/v3/kv/range \
	--data "{\"serializable\": true, \"key\": \"$(printf /registry/secrets/default/kept | base64 -w 0)\"}" |
	sed 's/.*"value":"\([^"]*\)".*/\1/' | base64 -d | head -c 27`
	for _, host := range haHosts()[:3] {
		if got := c.on(t, host, stored); got != "k8s:enc:secretbox:v1:"+key+":" {
			t.Errorf("%s: its etcd has %q", host, got)
		}
		if mode := c.on(t, host, "stat -c '%a %U:%G' "+keysFile); mode != "600 root:root" {
			t.Errorf("%s: the keys are %s", host, mode)
		}
	}
	c.reads(t)
}

// reads checks that each API server can read the Secret.
func (c *testCluster) reads(t *testing.T) {
	t.Helper()
	for _, host := range haHosts()[:3] {
		got := c.on(t, host, "kubectl --kubeconfig /etc/kubernetes/admin.conf --server https://"+c.address(t, host)+
			":6443 get secret kept --output jsonpath={.data}")
		if !strings.Contains(got, "c3dvcmRmaXNo") { // swordfish
			t.Errorf("the API server of %s does not read the Secret: %s", host, got)
		}
	}
}

// rotated holds the output of rotate encryption-key -o json.
type rotated struct {
	OK        bool    `json:"ok"`
	Error     string  `json:"error"`
	Key       string  `json:"key"`
	Resumed   bool    `json:"resumed"`
	Rewritten int     `json:"rewrittenSecrets"`
	Seconds   float64 `json:"seconds"`
}

func (c *testCluster) rotation(t *testing.T) *exec.Cmd {
	t.Helper()
	args := []string{"rotate", "encryption-key", "-f", c.manifest, "--workspace-dir", c.workspaces, "-o", "json"}
	return exec.CommandContext(t.Context(), c.program, args...)
}

// rotate rotates the encryption key of the cluster, and returns the report.
func (c *testCluster) rotate(t *testing.T) rotated {
	t.Helper()
	command := c.rotation(t)
	var said strings.Builder
	command.Stderr = &said
	out, err := command.Output()
	var result rotated
	if decoding := json.Unmarshal(out, &result); err != nil || decoding != nil {
		t.Fatalf("rotate encryption-key: %v, %v\n%s%s", err, decoding, said.String(), out)
	}
	t.Logf("rotated to %s with %d Secrets in %.1f s", result.Key, result.Rewritten, result.Seconds)
	return result
}

// rotateUntil starts a rotation and kills it when it prints a line. It returns the exit code and the output.
func (c *testCluster) rotateUntil(t *testing.T, line string) (code int, said string) {
	t.Helper()
	command := c.rotation(t)
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		said += lines.Text() + "\n"
		if strings.HasSuffix(lines.Text(), " "+line) { // after the time
			_ = command.Process.Kill() // Wait below reports how it ended
		}
	}
	return exitCode(command.Wait()), said
}

// keepsKeys checks that keys are neither in the workspace nor in files that other users can read on hosts.
func (c *testCluster) keepsKeys(t *testing.T, keys ...string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(c.file(""), func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, key := range keys {
			if strings.Contains(string(content), key) {
				t.Errorf("%s has a key in it", path)
			}
		}
		files++
		return err
	})
	if err != nil || files < 5 {
		t.Errorf("%d files, %v", files, err)
	}
	for _, host := range haHosts() {
		found := c.on(t, host, "grep -rlF -e "+strings.Join(keys, " -e ")+
			" /etc/dualstrap /etc/kubernetes /var/lib/dualstrap /var/log /run /tmp 2>/dev/null || true")
		if want := map[bool]string{true: "", false: keysFile}[host == hostName("worker-1")]; found != want {
			t.Errorf("%s has keys in %q, want %q", host, found, want)
		}
	}
}
