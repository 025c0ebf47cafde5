//go:build trial

package agent

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/containernetworking/cni/libcni"
	types100 "github.com/containernetworking/cni/pkg/types/100"
	"go4.org/netipx"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/dualstrap/dualstrap/agent/internal/nettest"
	"github.com/dualstrap/dualstrap/agent/kernel"
	"github.com/dualstrap/dualstrap/internal/kubetest"
	"github.com/dualstrap/dualstrap/render/cni"
)

// site is an L2 with nodes on it, a host that is none, and a real API server that knows the nodes. The
// API server listens outside of all namespaces; each node reaches it through a door of its own.
type site struct {
	t       *testing.T
	l2      *nettest.L2
	outside *nettest.Namespace
	config  *rest.Config
	client  kubernetes.Interface
}

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

// beAgent runs an agent with the options of start.
func beAgent() error {
	options := Options{
		NodeName: os.Args[1], CNIConfigDir: os.Args[2], FlatIPv4: os.Args[3] == "flat",
		SysctlDir: "/proc/sys/net", HealthAddress: healthAddress,
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

const (
	healthAddress      = "127.0.0.1:10271"
	outside4, outside6 = "10.2.0.100", "fd12::3:1"
	mirrorPort         = "8080"
)

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, l2: nettest.NewL2(t), config: kubetest.Start(t)}
	var err error
	if s.client, err = kubernetes.NewForConfig(s.config); err != nil {
		t.Fatal(err)
	}
	s.outside = s.l2.Host(t, "outside", outside4+"/16", outside6+"/108")
	s.outside.Mirror(mirrorPort)
	return s
}

// host is a node of the site: its namespace, its agent, and what is on its disk.
type host struct {
	*nettest.Namespace
	site  *site
	node  Node
	dir   string
	door  *door
	agent *exec.Cmd
	log   *os.File
}

// addNode makes a host, with a Node as a kubelet and the controller would leave it.
func (s *site) addNode(words string) *host {
	s.t.Helper()
	node := parseNode(words)
	h := &host{
		Namespace: s.l2.Host(s.t, node.Name, node.Addrs[ipv4].String()+"/16", node.Addrs[ipv6].String()+"/108"),
		site:      s, node: node, dir: s.t.TempDir(),
	}
	s.createNode(node)
	h.door = h.openDoor()
	log, err := os.Create(filepath.Join(h.dir, "agent.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	h.log = log
	s.t.Cleanup(func() {
		if s.t.Failed() {
			content, _ := os.ReadFile(log.Name())
			s.t.Logf("log of the agent of %s:\n%s", node.Name, content)
		}
		_ = log.Close()
	})
	return h
}

func (s *site) createNode(node Node) {
	s.t.Helper()
	object := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: node.Name}}
	for _, pods := range node.Pods {
		if pods.IsValid() {
			object.Spec.PodCIDRs = append(object.Spec.PodCIDRs, pods.String())
		}
	}
	if len(object.Spec.PodCIDRs) > 0 {
		object.Spec.PodCIDR = object.Spec.PodCIDRs[0]
	}
	made, err := s.client.CoreV1().Nodes().Create(s.t.Context(), object, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, addr := range node.Addrs {
		made.Status.Addresses = append(made.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: addr.String()})
	}
	if _, err := s.client.CoreV1().Nodes().UpdateStatus(s.t.Context(), made, metav1.UpdateOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) deleteNode(name string) {
	s.t.Helper()
	if err := s.client.CoreV1().Nodes().Delete(s.t.Context(), name, metav1.DeleteOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// door is a loopback port in a node's namespace that leads to the API server, while it is open.
type door struct {
	address string
	mu      sync.Mutex
	closed  bool
	conns   []net.Conn
}

func (h *host) openDoor() *door {
	h.site.t.Helper()
	listener := h.Listen("127.0.0.1:0")
	d := &door{address: listener.Addr().String()}
	target, err := url.Parse(h.site.config.Host)
	if err != nil {
		h.site.t.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				d.set(true)
				return
			}
			go d.pass(conn, target.Host)
		}
	}()
	return d
}

// pass carries one connection.
func (d *door) pass(conn net.Conn, target string) {
	server, err := net.Dial("tcp", target)
	if err != nil {
		_ = conn.Close()
		return
	}
	d.mu.Lock()
	closed := d.closed
	d.conns = append(d.conns, conn, server)
	d.mu.Unlock()
	if closed {
		_, _ = conn.Close(), server.Close()
		return
	}
	go func() { _, _ = io.Copy(server, conn); _ = server.Close() }()
	_, _ = io.Copy(conn, server)
	_ = conn.Close()
}

// set opens or closes the door; closing cuts what goes through.
func (d *door) set(closed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = closed
	if closed {
		for _, conn := range d.conns {
			_ = conn.Close()
		}
		d.conns = nil
	}
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

// pod is a namespace that the CNI plugins have connected.
type pod struct {
	*nettest.Namespace
	host  *host
	addrs [2]netip.Addr
}

// addPod runs the plugins as a container runtime does, by the configuration that the agent wrote.
func (h *host) addPod(name string) *pod {
	h.site.t.Helper()
	p := &pod{Namespace: nettest.New(h.site.t, name), host: h}
	err := h.Do(func() error {
		plugins, list, runtime, err := h.cni(p)
		if err != nil {
			return err
		}
		result, err := plugins.AddNetworkList(h.site.t.Context(), list, runtime)
		if err != nil {
			return err
		}
		converted, err := types100.NewResultFromResult(result)
		if err != nil {
			return err
		}
		for _, ip := range converted.IPs {
			prefix, _ := netipx.FromStdIPNet(&ip.Address)
			p.addrs[familyOf(prefix.Addr())] = prefix.Addr()
		}
		return nil
	})
	if err != nil {
		h.site.t.Fatalf("cannot connect pod %s: %v", name, err)
	}
	return p
}

// delete disconnects the pod.
func (p *pod) delete() {
	p.host.site.t.Helper()
	err := p.host.Do(func() error {
		plugins, list, runtime, err := p.host.cni(p)
		if err != nil {
			return err
		}
		return plugins.DelNetworkList(p.host.site.t.Context(), list, runtime)
	})
	if err != nil {
		p.host.site.t.Fatalf("cannot disconnect pod %s: %v", p.Name, err)
	}
}

func (h *host) cni(p *pod) (*libcni.CNIConfig, *libcni.NetworkConfigList, *libcni.RuntimeConf, error) {
	content, err := os.ReadFile(filepath.Join(h.dir, cni.FileName))
	if err != nil {
		return nil, nil, nil, err
	}
	// The nodes share one disk.
	content = bytes.ReplaceAll(content, []byte("/run/dualstrap/cni"), []byte(filepath.Join(h.dir, "addresses")))
	list, err := libcni.ConfListFromBytes(content)
	runtime := &libcni.RuntimeConf{ContainerID: p.Name, NetNS: p.Path(), IfName: "eth0"}
	return libcni.NewCNIConfigWithCacheDir([]string{toolsDir()}, filepath.Join(h.dir, "cache"), nil), list, runtime, err
}

func toolsDir() string {
	if dir := os.Getenv("DUALSTRAP_TOOLS"); dir != "" {
		return dir
	}
	dir, _ := filepath.Abs("../build/tools") // it fails without a working folder
	return dir
}

// state reads the node's kernel.
func (h *host) state() (kernel.State, error) {
	var state kernel.State
	err := h.Do(func() error {
		connection, err := kernel.Open()
		if err != nil {
			return err
		}
		defer connection.Close()
		state, err = connection.Read()
		return err
	})
	return state, err
}

// proxies waits until the kernel answers for exactly these addresses.
func (h *host) proxies(what string, want ...netip.Addr) {
	h.site.t.Helper()
	slices.SortFunc(want, netip.Addr.Compare)
	nettest.Eventually(h.site.t, h.node.Name+" "+what, func() error {
		state, err := h.state()
		var got []netip.Addr
		for _, proxy := range state.Proxies {
			got = append(got, proxy.Addr)
		}
		slices.SortFunc(got, netip.Addr.Compare)
		if err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("%d proxies are %s, want %d: %s", len(got), got, len(want), want)
		}
		return err
	})
}

// routes waits until the agent's routes are exactly these, each as "DST VIA".
func (h *host) routes(what string, want ...string) {
	h.site.t.Helper()
	slices.Sort(want)
	nettest.Eventually(h.site.t, h.node.Name+" "+what, func() error {
		state, err := h.state()
		var got []string
		for _, route := range state.Routes {
			if route.Protocol == kernel.Protocol {
				got = append(got, fmt.Sprint(route.Dst, " ", route.Via))
			}
		}
		slices.Sort(got)
		if err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("routes are %s, want %s", got, want)
		}
		return err
	})
}

// sees waits until a mirror at addr sees from as want.
func sees(t *testing.T, what string, from *nettest.Namespace, addr netip.Addr, want string) {
	t.Helper()
	nettest.Eventually(t, what, func() error {
		seen, err := from.SeenAs(addr.String(), mirrorPort)
		if err == nil && seen != want {
			err = fmt.Errorf("%s sees %s, want %s", addr, seen, want)
		}
		return err
	})
}

// silent reports an error if anyone on the L2 answers for an address.
func (s *site) silent(what string, addr string) {
	s.t.Helper()
	if seen, err := s.outside.SeenAs(addr, mirrorPort); err == nil {
		s.t.Errorf("%s: %s answers, and sees %s", what, addr, seen)
	}
	neighbour := s.outside.Run("ip", "neighbour", "show", addr, "dev", "eth0")
	if neighbour == "" || strings.Contains(neighbour, "lladdr") {
		s.t.Errorf("%s: the neighbour %s is %q: want that nobody answered", what, addr, neighbour)
	}
}
