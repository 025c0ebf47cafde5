//go:build integration

package controller_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/dualstrap/dualstrap/cmd"
)

// TestMain makes the test's executable act as dualstrap, so that a controller is a process that can be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "controller" {
		os.Exit(cmd.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	m.Run()
}

// process is a controller that is restarted when it exits, as by the kubelet.
type process struct {
	address string
	output  *output
	// starts is the number of times it was started.
	starts atomic.Int32
	mu     sync.Mutex
	cmd    *exec.Cmd // guarded by mu; nil once it must not be restarted
	ended  chan struct{}
	code   int // the last exit code, valid after ended is closed
}

// output collects what a process prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start runs a controller with the rights of its ServiceAccount until the test ends.
func (c *cluster) start(tb testing.TB) *process {
	tb.Helper()
	return c.startAt(tb, &clientcmdapi.Cluster{Server: c.config.Host, CertificateAuthority: c.config.CAFile})
}

// startAt runs a controller that reaches the API server through another server.
func (c *cluster) startAt(tb testing.TB, server *clientcmdapi.Cluster) *process {
	tb.Helper()
	file := kubeconfig(tb, server, c.token)
	p := &process{address: freeAddress(tb), output: &output{}, ended: make(chan struct{})}
	command := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0], "controller", "--kubeconfig="+file, "--health-address="+p.address,
			"--api-server-names=10.2.0.175,api.example.com")
		cmd.Stdout, cmd.Stderr = p.output, p.output
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		return cmd
	}
	p.cmd = command()
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	p.starts.Add(1)
	go p.supervise(command)
	tb.Cleanup(func() {
		p.end(tb, syscall.SIGTERM)
		if strings.Contains(p.output.String(), "forbidden") {
			tb.Errorf("the controller lacks rights:\n%s", p.output)
		}
		if tb.Failed() {
			tb.Logf("the controller's log:\n%s", p.output)
		}
	})
	return p
}

// kubeconfig writes a kubeconfig and returns its path.
func kubeconfig(tb testing.TB, server *clientcmdapi.Cluster, token string) string {
	tb.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = server
	config.AuthInfos["test"] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	config.CurrentContext = "test"
	path := filepath.Join(tb.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		tb.Fatal(err)
	}
	return path
}

// supervise restarts the controller until end is called.
func (p *process) supervise(command func() *exec.Cmd) {
	defer close(p.ended)
	for running := p.cmd; ; {
		_ = running.Wait() // the result is in ProcessState
		p.mu.Lock()
		if p.code = running.ProcessState.ExitCode(); p.cmd == nil {
			p.mu.Unlock()
			return
		}
		running = command()
		p.cmd = running
		err := running.Start()
		p.starts.Add(1)
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// end stops the controller and waits until it has exited. It may have exited before.
func (p *process) end(tb testing.TB, how syscall.Signal) {
	tb.Helper()
	p.mu.Lock()
	if running := p.cmd; running != nil {
		p.cmd = nil
		if err := running.Process.Signal(how); err != nil && !errors.Is(err, os.ErrProcessDone) {
			tb.Error(err)
		}
	}
	p.mu.Unlock()
	<-p.ended
}

// get returns the response to a request to the controller's health server, or "" unless its status is 200.
func (p *process) get(tb testing.TB, path string) string {
	tb.Helper()
	response, err := http.Get(fmt.Sprintf("http://%s%s", p.address, path))
	if err != nil {
		return ""
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return ""
	}
	return "200 " + string(body)
}

// leads reports whether the controller holds the lease and is ready.
func (p *process) leads() bool { return strings.Contains(p.output.String(), "msg=leading") }

func freeAddress(tb testing.TB) string {
	tb.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}
