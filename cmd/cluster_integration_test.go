//go:build integration

package cmd_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/provision/proof"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// testCluster is a cluster on the hosts of a lab.
type testCluster struct {
	testLab

	manifest, bundle, kubectl string
	// release is the version of Kubernetes in the bundle, for example v1.36.3.
	release string
	// bare holds the fingerprints of the untouched hosts, by name.
	bare map[string]string
}

// newTestCluster creates a lab of bare hosts for a cluster with the default bundle, or the one in DUALSTRAP_BUNDLE. The
// manifests are the lab's, unless a test calls rewrite.
func newTestCluster(t *testing.T, hosts ...string) *testCluster {
	t.Helper()
	return newTestClusterOf(t, cmp.Or(os.Getenv("DUALSTRAP_BUNDLE"), filepath.Join("..", "build", "bundle")), hosts...)
}

// newTestClusterOf is like newTestCluster, with the bundle in a directory, of any release.
func newTestClusterOf(t *testing.T, dir string, hosts ...string) *testCluster {
	t.Helper()
	opened, err := bundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := &testCluster{testLab: newTestLab(t), bundle: dir, release: opened.Manifest.KubernetesVersion}
	c.mustRun(t, "up", hosts...)
	c.manifest = c.file("cluster.yaml")
	if c.release != labRelease {
		c.rewrite(t)
	}
	tools := t.TempDir()
	out, err := exec.CommandContext(t.Context(), c.program, "bundle", "extract", dir, "kubectl", "--output-dir", tools).CombinedOutput()
	if err != nil {
		t.Fatalf("no kubectl: %v\n%s", err, out)
	}
	c.kubectl = filepath.Join(tools, "kubectl")
	return c
}

// labRelease is the version of Kubernetes in the lab's manifests.
const labRelease = "v1.36.3"

// rewrite replaces the cluster's manifests by the lab's with replacements, pairs of old and new text.
func (c *testCluster) rewrite(t *testing.T, pairs ...string) {
	t.Helper()
	content, err := os.ReadFile(c.file("cluster.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(content), strings.TrimPrefix(labRelease, "v"), strings.TrimPrefix(c.release, "v"), 1)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the lab's manifests do not have %q in them:\n%s", pairs[i], text)
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	dir, err := os.MkdirTemp(filepath.Dir(c.workspaces), "manifests-") //nolint:usetesting // later parts of the test read the manifests
	if err != nil {
		t.Fatal(err)
	}
	c.manifest = filepath.Join(dir, "cluster.yaml")
	if err := os.WriteFile(c.manifest, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// created holds the output of create cluster -o json.
type created struct {
	OK        bool             `json:"ok"`
	Changes   int              `json:"changes"`
	Seconds   float64          `json:"seconds"`
	Unlisted  []string         `json:"unlistedNodes"`
	Preflight check.Report     `json:"preflight"`
	Run       *workflow.Report `json:"run"`
	Proof     *proof.Report    `json:"proof"`
}

// failures returns the failed checks, of the preflight and of the proof, one per line.
func (c created) failures() string {
	var lines strings.Builder
	if c.Proof != nil {
		for _, result := range c.Proof.Checks {
			if result.Status == proof.Failed {
				fmt.Fprintf(&lines, "%s %s: %s\n", result.Name, result.Target, result.Message)
			}
		}
	}
	for _, host := range c.Preflight.Hosts {
		for _, result := range host.Checks {
			if result.Status == check.Failed {
				fmt.Fprintf(&lines, "%s %s: %s\n", host.Address, result.Name, result.Message)
			}
		}
	}
	return lines.String()
}

// summary returns the changes of the run, as HOST PHASE: CHANGE.
func (c created) summary() []string {
	var lines []string
	if c.Run == nil {
		return nil
	}
	for _, host := range c.Run.Hosts {
		for _, phase := range host.Phases {
			for _, change := range phase.Changes {
				lines = append(lines, fmt.Sprintf("%s %s: %s", host.Address, phase.Name, change))
			}
		}
	}
	return lines
}

// create runs create cluster, and returns its report, its standard error, and the error of the process.
func (c *testCluster) create(t *testing.T, flags ...string) (created, string, error) {
	t.Helper()
	var stdout, stderr strings.Builder
	args := []string{"create", "cluster", "-f", c.manifest, "--bundle", c.bundle, "--workspace-dir", c.workspaces, "-o", "json"}
	args = append(args, flags...)
	command := exec.CommandContext(t.Context(), c.program, args...)
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var result created
	if decoding := json.Unmarshal([]byte(stdout.String()), &result); decoding != nil && err == nil {
		t.Fatalf("it prints no report: %v\n%s", decoding, stdout.String())
	}
	return result, stderr.String(), err
}

// mustCreate runs create cluster, and fails the test unless it succeeds. The run includes the proof, unless flags skip it.
func (c *testCluster) mustCreate(t *testing.T, flags ...string) created {
	t.Helper()
	result, said, err := c.create(t, flags...)
	if err != nil || !result.OK {
		t.Fatalf("create cluster: %v\n%s%s", err, said, result.failures())
	}
	t.Logf("created with %d changes in %.1f s", result.Changes, result.Seconds)
	return result
}

func (c *testCluster) kubeconfig() string { return c.file(testLabName() + "-kubeconfig") }

// kube runs kubectl, which connects to the control plane's VIP, and returns its output.
func (c *testCluster) kube(t *testing.T, args ...string) string {
	t.Helper()
	out, err := c.tryKube(t, "", args...)
	if err != nil {
		t.Fatalf("kubectl %v: %v", args, err)
	}
	return out
}

func (c *testCluster) tryKube(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	args = append([]string{"--kubeconfig", c.kubeconfig(), "--request-timeout=20s"}, args...)
	command := exec.CommandContext(t.Context(), c.kubectl, args...)
	command.Stdin = strings.NewReader(stdin)
	out, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// apply applies manifests with kubectl.
func (c *testCluster) apply(t *testing.T, manifests string) {
	t.Helper()
	if _, err := c.tryKube(t, manifests, "apply", "-f", "-"); err != nil {
		t.Fatal(err)
	}
}

// eventually calls missing until it returns "", and returns how long that took. Until then, missing returns a description of
// what is missing.
func eventually(t *testing.T, what string, missing func() string) time.Duration {
	t.Helper()
	const patience = 3 * time.Minute
	begun := time.Now()
	for {
		reason := missing()
		if reason == "" {
			return time.Since(begun)
		}
		if time.Since(begun) > patience {
			t.Fatalf("%s: still not after %s: %s", what, patience, reason)
		}
		time.Sleep(300 * time.Millisecond)
	}
}

// get sends an HTTP request from one of the lab's hosts, and returns the body of the response.
func (c *testCluster) get(t *testing.T, host, url string) (string, error) {
	t.Helper()
	stdout, all, err := c.run(t, "exec", host, "--", "curl", "--silent", "--show-error", "--globoff", "--max-time", "5", url)
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, all)
	}
	return strings.TrimSpace(stdout), nil
}

// answers waits until the response of a server to a host contains a text.
func (c *testCluster) answers(t *testing.T, host, url, want string) {
	t.Helper()
	eventually(t, host+" asks "+url, func() string {
		got, err := c.get(t, host, url)
		switch {
		case err != nil:
			return err.Error()
		case !strings.Contains(got, want):
			return fmt.Sprintf("it answers %q, not %q", got, want)
		}
		return ""
	})
}

// at returns the URL of an address, IPv4 or IPv6, with a port and a path.
func at(address string, port int, path string) string {
	if strings.Contains(address, ":") {
		address = "[" + address + "]"
	}
	return fmt.Sprintf("http://%s:%d%s", address, port, path)
}

// fields returns the words that kubectl prints for a JSONPath.
func (c *testCluster) fields(t *testing.T, path string, args ...string) []string {
	t.Helper()
	return strings.Fields(c.kube(t, append(args, "-o", "jsonpath="+path)...))
}

// podsOn returns the name, IPv4 and IPv6 address of each running pod on a node, except those in the host network.
func (c *testCluster) podsOn(t *testing.T, node string) [][]string {
	t.Helper()
	var list corev1.PodList
	out := c.kube(t, "get", "pods", "-A", "--field-selector", "spec.nodeName="+node, "-o", "json")
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	var pods [][]string
	for _, pod := range list.Items {
		if !pod.Spec.HostNetwork && pod.Status.Phase == corev1.PodRunning && len(pod.Status.PodIPs) == 2 {
			pods = append(pods, []string{pod.Name, pod.Status.PodIPs[0].IP, pod.Status.PodIPs[1].IP})
		}
	}
	return pods
}

// runParts runs parts that depend on each other, one after the other, up to the first failure.
func runParts[T any](t *testing.T, subject T, parts []part[T]) {
	t.Helper()
	for _, p := range parts {
		if !t.Run(p.name, func(t *testing.T) { p.run(t, subject) }) {
			return
		}
	}
}

type part[T any] struct {
	name string
	run  func(*testing.T, T)
}

func sorted(values []string) []string {
	slices.Sort(values)
	return values
}
