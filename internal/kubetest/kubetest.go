// Package kubetest runs a real Kubernetes API server for tests: kube-apiserver and its etcd, as processes on the
// loopback interface, with their state in the test's directory.
//
// There is no kubelet, and no controller except those of [RunControllerManager]. Everything that the API server does
// alone works: admission, validation, defaulting, RBAC, the allocation of Service addresses, CRDs.
package kubetest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/dualstrap/dualstrap/internal/certtest"
)

// startTimeout is how long the servers may take to become ready on a busy machine.
const startTimeout = 2 * time.Minute

// ServiceRanges are the ranges of Service addresses, IPv4 first.
const ServiceRanges = "172.16.0.0/20,fd12::5:0/116"

// Server is a running API server with its etcd.
type Server struct {
	// Config authenticates as a member of system:masters.
	Config *rest.Config
	// Endpoint is the address of the API server, Etcd that of etcd. etcd accepts only clients with a certificate that
	// EtcdCA has signed.
	Endpoint, Etcd netip.AddrPort
	// CA is the certificate, in PEM, that the API server's certificate is verified against.
	CA []byte
	// EtcdCA has signed etcd's certificate, and Certificate, which authenticates an administrator to both etcd and the
	// API server. All are PEM.
	EtcdCA, Certificate, Key []byte

	// etcdDir holds the files of etcd, which further API servers use as well.
	etcdDir string
}

// Start runs etcd and kube-apiserver until the test and its subtests end. The configuration that it returns
// authenticates as a member of system:masters.
func Start(tb testing.TB) *rest.Config {
	tb.Helper()
	return StartServer(tb).Config
}

// StartWithAuthority is [Start] with an API server that authenticates clients by certificates of the authority.
func StartWithAuthority(tb testing.TB, authority certtest.Authority) *rest.Config {
	tb.Helper()
	return StartServer(tb, "--client-ca-file="+writeFile(tb, tb.TempDir(), "client-ca.crt", authority.PEM())).Config
}

// StartServer is [Start] with additional flags for the API server.
func StartServer(tb testing.TB, flags ...string) Server {
	tb.Helper()
	authority := certtest.New(tb)
	certificate, key := authority.Issue(tb, "127.0.0.1")
	server := Server{EtcdCA: authority.PEM(), Certificate: certificate, Key: key, etcdDir: tb.TempDir()}
	ports := freePorts(tb, 2)
	server.Etcd = loopback(ports[0])
	peerURL := fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	dir := server.etcdDir
	run(tb, dir, "etcd",
		"--data-dir="+filepath.Join(dir, "etcd"),
		"--listen-client-urls=https://"+server.Etcd.String(),
		"--advertise-client-urls=https://"+server.Etcd.String(),
		"--client-cert-auth=true",
		"--trusted-ca-file="+writeFile(tb, dir, "ca.crt", server.EtcdCA),
		"--cert-file="+writeFile(tb, dir, "etcd.crt", certificate),
		"--key-file="+writeFile(tb, dir, "etcd.key", key),
		"--listen-peer-urls="+peerURL,
		"--initial-advertise-peer-urls="+peerURL,
		"--initial-cluster=default="+peerURL,
		"--unsafe-no-fsync", // the data need not survive the test
		// A single member has nothing to fail over to. On a busy machine, a late answer is better than an election.
		"--heartbeat-interval=500",
		"--election-timeout=5000",
	)
	return server.Another(tb, flags...)
}

// Another runs one more kube-apiserver with the same etcd, and returns it. It accepts another token than the first one.
func (s Server) Another(tb testing.TB, flags ...string) Server {
	tb.Helper()
	dir := tb.TempDir()
	s.Endpoint = loopback(freePorts(tb, 1)[0])
	// The test authenticates with a token. Client certificates are for those that a test gives certificates to.
	token := rand.Text()
	tokens := writeFile(tb, dir, "tokens.csv", []byte(token+`,admin,admin,"system:masters"`+"\n"))
	key := writeFile(tb, dir, "service-account.key", newKey(tb))
	certs := filepath.Join(dir, "certs")
	exited := run(tb, dir, "kube-apiserver", append([]string{
		"--etcd-servers=https://" + s.Etcd.String(),
		"--etcd-cafile=" + filepath.Join(s.etcdDir, "ca.crt"),
		"--etcd-certfile=" + filepath.Join(s.etcdDir, "etcd.crt"),
		"--etcd-keyfile=" + filepath.Join(s.etcdDir, "etcd.key"),
		"--client-ca-file=" + filepath.Join(s.etcdDir, "ca.crt"),
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", s.Endpoint.Port()),
		// kube-apiserver rejects loopback addresses here. No client connects to this one, which is reserved for
		// documentation (RFC 5737).
		"--advertise-address=192.0.2.1",
		"--endpoint-reconciler-type=none",
		"--cert-dir=" + certs,
		"--token-auth-file=" + tokens,
		// The same as in kubeadm's clusters: a kubelet may change its own Node only, and only some fields of it.
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + key,
		"--service-account-signing-key-file=" + key,
		"--service-cluster-ip-range=" + ServiceRanges,
	}, flags...)...)
	s.Config = &rest.Config{
		Host:            "https://" + s.Endpoint.String(),
		BearerToken:     token,
		TLSClientConfig: rest.TLSClientConfig{CAFile: filepath.Join(certs, "apiserver.crt")},
		QPS:             -1, // no limit
	}
	if err := waitReady(tb.Context(), s.Config, exited); err != nil {
		tb.Fatalf("%v\n%s\n%s", err, tail(filepath.Join(s.etcdDir, "etcd.log")), tail(filepath.Join(dir, "kube-apiserver.log")))
	}
	var err error
	if s.CA, err = os.ReadFile(s.Config.CAFile); err != nil {
		tb.Fatal(err)
	}
	return s
}

// loopback returns the address of a port on the loopback interface.
func loopback(port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
}

// waitReady returns when the API server is ready. It returns an error if the server exits or startTimeout passes.
func waitReady(ctx context.Context, config *rest.Config, exited <-chan error) error {
	deadline := time.After(startTimeout)
	// Errors are expected until the server is ready, so only the last one is reported.
	poll := time.NewTicker(200 * time.Millisecond)
	defer poll.Stop()
	for {
		err := probe(ctx, config)
		if err == nil {
			return nil
		}
		select {
		case <-deadline:
			return fmt.Errorf("kube-apiserver is not ready after %s: %w", startTimeout, err)
		case err := <-exited:
			return fmt.Errorf("kube-apiserver ended before it was ready: %w", err)
		case <-poll.C:
		}
	}
}

// probe queries once whether the API server is ready.
func probe(ctx context.Context, config *rest.Config) error {
	// This fails until the server has generated its certificate, which the configuration trusts.
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

// run starts a program from the tools directory and stops it when the test ends. Its output goes to NAME.log in dir.
// The channel receives the result of the program when it exits.
func run(tb testing.TB, dir, name string, args ...string) <-chan error {
	tb.Helper()
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		tb.Fatal(err)
	}
	// The program outlives tb.Context, which ends before cleanups and so before clients have closed.
	cmd := exec.CommandContext(context.WithoutCancel(tb.Context()), program(tb, name), args...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // a killed test leaves nothing behind
	if err := cmd.Start(); err != nil {
		tb.Fatalf("cannot start %s: %v", name, err)
	}
	exited, ended := make(chan error, 1), make(chan struct{})
	go func() {
		exited <- cmd.Wait()
		close(ended)
	}()
	tb.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			tb.Errorf("cannot stop %s: %v", name, err)
		}
		<-ended
		if err := log.Close(); err != nil {
			tb.Error(err)
		}
	})
	return exited
}

// program returns the path of a program that `make tools` builds, or that is in $DUALSTRAP_TOOLS.
func program(tb testing.TB, name string) string {
	tb.Helper()
	// make sets the variable. A test that is run directly uses the tools below the module's root.
	dir := os.Getenv("DUALSTRAP_TOOLS")
	if dir == "" {
		dir = filepath.Join(moduleRoot(tb), "build", "tools")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		tb.Fatalf("cannot find %s: run make tools (%v)", name, err)
	}
	return path
}

// moduleRoot returns the directory of go.mod, which is above that of the package under test.
func moduleRoot(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			tb.Fatal("cannot find go.mod above the test's directory")
		}
		dir = parent
	}
}

// freePorts returns n TCP ports that were free a moment ago. It keeps all of them open until the last is found, so that
// they differ from each other.
func freePorts(tb testing.TB, n int) []int {
	tb.Helper()
	ports := make([]int, n)
	for i := range ports {
		listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp4", "127.0.0.1:0")
		if err != nil {
			tb.Fatalf("cannot find a free port: %v", err)
		}
		defer func() { _ = listener.Close() }()
		ports[i] = listener.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// newKey returns a private key in PEM, which signs service account tokens.
func newKey(tb testing.TB) []byte {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

// writeFile writes a file that only its owner can read, and returns its path.
func writeFile(tb testing.TB, dir, name string, content []byte) string {
	tb.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// tail returns the last lines of a file, for messages. If the file cannot be read, it returns the error instead.
func tail(path string) string {
	const lines = 20
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
