//go:build integration

package agent

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/dualstrap/dualstrap/agent/internal/nettest"
	"github.com/dualstrap/dualstrap/internal/family"
	"github.com/dualstrap/dualstrap/internal/kubetest"
)

// site is an L2 with nodes and an ordinary host on it, and a real API server that has the Nodes. The API server listens
// outside of all namespaces; each node reaches it through a door of its own.
type site struct {
	t       *testing.T
	l2      *nettest.L2
	outside *nettest.Namespace
	config  *rest.Config
	client  kubernetes.Interface
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

// host is a node of the site: its namespace, its agent, and its files.
type host struct {
	*nettest.Namespace
	site  *site
	node  Node
	dir   string
	door  *door
	agent *exec.Cmd
	log   *os.File
}

// addNode creates a host and its Node, in the state in which a kubelet and the controller would leave it.
func (s *site) addNode(words string) *host {
	s.t.Helper()
	node := parseNode(words)
	h := &host{
		Namespace: s.l2.Host(s.t, node.Name, node.Addrs[family.IPv4].String()+"/16", node.Addrs[family.IPv6].String()+"/108"),
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
