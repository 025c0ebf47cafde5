//go:build integration

package agent

import (
	"context"
	"fmt"
	"io"
	"log"
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

// asAgent is the environment variable that makes the test's executable run as an agent. Tests kill agents, so each
// agent is a process of its own.
const asAgent = "DUALSTRAP_TEST_AGENT"

func TestMain(m *testing.M) {
	if os.Getenv(asAgent) == "" {
		m.Run()
		return
	}
	if err := beAgent(); err != nil {
		log.Fatal(err)
	}
}

// podRanges contains the ranges of all nodes that tests create, and more.
func podRanges() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("172.20.0.0/16"), netip.MustParsePrefix("fd12::1:0/112"),
	}
}

// beAgent runs an agent with the options that start encoded.
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

// start starts the node's agent. mode is island or flat.
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
	// The test's context is canceled before cleanup functions run.
	h.agent = h.Command(context.WithoutCancel(h.site.t.Context()), self, h.node.Name, h.dir, mode)
	h.agent.Env = append(os.Environ(), asAgent+"=yes")
	h.agent.Stdout, h.agent.Stderr = h.log, h.log
	h.agent.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // no leftover process if the test is killed
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

// kill kills the agent without warning.
func (h *host) kill() {
	h.site.t.Helper()
	if err := h.agent.Process.Kill(); err != nil {
		h.site.t.Errorf("cannot kill the agent of %s: %v", h.node.Name, err)
	}
	_ = h.agent.Wait() // the error reports the signal
	h.agent = nil
}

// stop terminates the agent like a kubelet. It must exit with status 0.
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

// cleanup removes the configuration that the node's agent has made.
func (h *host) cleanup() {
	h.site.t.Helper()
	if err := h.Do(func() error { return Cleanup(Options{CNIConfigDir: h.dir}) }); err != nil {
		h.site.t.Error(err)
	}
}

// ask returns the response of the agent's health server to a path.
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

// ready waits until the agent reports that everything is in place.
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
