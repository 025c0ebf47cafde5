//go:build integration

package agent

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/dualstrap/dualstrap/agent/internal/nettest"
)

// asAgent is the variable by which the test's own executable is told to be an agent: the tests kill
// agents, so each is a process of its own.
const asAgent = "DUALSTRAP_TEST_AGENT"

func TestMain(m *testing.M) {
	if os.Getenv(asAgent) == "" {
		os.Exit(m.Run()) //nolint:forbidigo // it is what a test's main does
	}
	if err := beAgent(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // as above
	}
}

// podRanges are those of the nodes that tests make, and more.
func podRanges() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("172.20.0.0/16"), netip.MustParsePrefix("fd12::1:0/112"),
	}
}

// beAgent runs an agent with the options of start.
func beAgent() error {
	options := Options{
		NodeName: os.Args[1], CNIConfigDir: os.Args[2], FlatIPv4: os.Args[3] == "flat",
		PodRanges: podRanges(), SysctlDir: "/proc/sys/net", HealthAddress: healthAddress,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(os.Args[2], "kubeconfig"))
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return Run(ctx, client, options)
}

// start runs the node's agent; mode is island or flat.
func (h *host) start(mode string) {
	h.site.t.Helper()
	kubeconfig := filepath.Join(h.dir, "kubeconfig")
	config := clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"c": {Server: "https://" + h.door.address, CertificateAuthority: h.site.config.CAFile}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"u": {Token: h.site.config.BearerToken}},
		Contexts:       map[string]*clientcmdapi.Context{"x": {Cluster: "c", AuthInfo: "u"}},
		CurrentContext: "x",
	}
	if err := clientcmd.WriteToFile(config, kubeconfig); err != nil {
		h.site.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		h.site.t.Fatal(err)
	}
	// The test's context ends before its cleanups.
	h.agent = h.Command(context.WithoutCancel(h.site.t.Context()), self, h.node.Name, h.dir, mode)
	h.agent.Env = append(os.Environ(), asAgent+"=yes")
	h.agent.Stdout, h.agent.Stderr = h.log, h.log
	h.agent.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // a killed test leaves nothing behind
	if err := h.agent.Start(); err != nil {
		h.site.t.Fatal(err)
	}
	process := h.agent
	h.site.t.Cleanup(func() {
		if h.agent == process {
			h.kill()
		}
	})
}

// kill ends the agent with no warning.
func (h *host) kill() {
	h.site.t.Helper()
	if err := h.agent.Process.Kill(); err != nil {
		h.site.t.Errorf("cannot kill the agent of %s: %v", h.node.Name, err)
	}
	_ = h.agent.Wait() // by a signal, as was asked for
	h.agent = nil
}

// stop ends the agent as a kubelet does, which must be clean.
func (h *host) stop() {
	h.site.t.Helper()
	if err := h.agent.Process.Signal(syscall.SIGTERM); err != nil {
		h.site.t.Fatal(err)
	}
	if err := h.agent.Wait(); err != nil {
		h.site.t.Errorf("the agent of %s ended with %v", h.node.Name, err)
	}
	h.agent = nil
}

// cleanup removes what the node's agent has made.
func (h *host) cleanup() {
	h.site.t.Helper()
	if err := h.Do(func() error { return Cleanup(Options{CNIConfigDir: h.dir}) }); err != nil {
		h.site.t.Error(err)
	}
}

// ask reads a page of the agent's health server.
func (h *host) ask(path string) (int, string, error) {
	dial := func(ctx context.Context, _, address string) (net.Conn, error) { return h.Dial(ctx, address) }
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(h.site.t.Context(), http.MethodGet, "http://"+healthAddress+path, nil)
	if err != nil {
		return 0, "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, string(content), err
}

// ready waits until the agent says that all is in place.
func (h *host) ready() {
	h.site.t.Helper()
	nettest.Eventually(h.site.t, h.node.Name+" ready", func() error {
		status, body, err := h.ask("/readyz")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("%d %s", status, body)
		}
		return err
	})
}
