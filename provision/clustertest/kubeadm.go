package clustertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/render"
)

// kubeadmFile holds the fields of kubeadm's configuration that the simulation needs.
type kubeadmFile struct {
	Kind             string `json:"kind"`
	CertificateKey   string `json:"certificateKey"`
	NodeRegistration struct {
		Name string `json:"name"`
	} `json:"nodeRegistration"`
	Discovery struct {
		BootstrapToken struct {
			Token        string   `json:"token"`
			CACertHashes []string `json:"caCertHashes"`
		} `json:"bootstrapToken"`
	} `json:"discovery"`
	ControlPlane *struct {
		CertificateKey string `json:"certificateKey"`
	} `json:"controlPlane"`
	// text is the whole document.
	text string
}

// certificates is the name of the Secret with the control plane's certificates. Its key is that which encrypts them.
const certificates = "kubeadm-certs"

// documents parses kubeadm's configuration, by kind.
func documents(content string) (map[string]kubeadmFile, error) {
	found := map[string]kubeadmFile{}
	for text := range strings.SplitSeq(content, "\n---\n") {
		var document kubeadmFile
		if err := yaml.Unmarshal([]byte(text), &document); err != nil {
			return nil, err
		}
		document.text = text
		found[document.Kind] = document
	}
	return found, nil
}

// takeConfig returns kubeadm's configuration, and removes it as the scripts do.
func (h *Host) takeConfig(script remote.Script) (map[string]kubeadmFile, error) {
	path := script.Args["config"]
	content, there := h.files[path]
	if !there {
		return nil, fmt.Errorf("there is no %s", path)
	}
	h.remove(path)
	if h.exists("/etc/kubernetes/kubelet.conf") {
		return nil, errors.New("[ERROR FileAvailable--etc-kubernetes-kubelet.conf]: /etc/kubernetes/kubelet.conf already exists")
	}
	return documents(content.content)
}

// kubeadmInit makes the host the first node.
func kubeadmInit(h *Host, script remote.Script, _ *answers) error {
	config, err := h.takeConfig(script)
	if err != nil {
		return err
	}
	c := h.cluster
	for _, other := range c.hosts {
		if other.apiServer {
			return fmt.Errorf("a second cluster: %s has one already", other.Name())
		}
	}
	if h.cluster.config.LoadBalancer.ControlPlane == api.ControlPlaneKeepalived && !c.carriesVIP(h) {
		return errors.New("timed out: nothing answers at the endpoint of the control plane")
	}
	c.api.reset()
	for _, host := range c.hosts {
		host.member = 0
	}
	for name, entry := range map[string][2]string{
		"kubeadm-config": {"ClusterConfiguration", config["ClusterConfiguration"].text},
		"kubelet-config": {"kubelet", config["KubeletConfiguration"].text},
		"kube-proxy":     {"config.conf", config["KubeProxyConfiguration"].text},
	} {
		object := &corev1.ConfigMap{Data: map[string]string{entry[0]: entry[1]}}
		object.Namespace, object.Name = metav1.NamespaceSystem, name
		if err := c.api.client.Create(context.Background(), object); err != nil {
			return err
		}
	}
	if err := h.becomeControlPlane(); err != nil {
		return err
	}
	return h.becomeNode(config["InitConfiguration"])
}

// carriesVIP reports whether a host carries the control plane's VIP once kubeadm has started the static pods of starting.
func (c *Cluster) carriesVIP(starting *Host) bool {
	return slices.ContainsFunc(c.hosts, func(h *Host) bool {
		return h.balancer && !h.down && (h == starting || h.units[standalone].active || h.units["kubelet.service"].active)
	})
}

// kubeadmJoin makes the host a node of the cluster.
func kubeadmJoin(h *Host, script remote.Script, _ *answers) error {
	config, err := h.takeConfig(script)
	if err != nil {
		return err
	}
	h.stop(standalone)
	join, c := config["JoinConfiguration"], h.cluster
	token := join.Discovery.BootstrapToken
	if err := c.api.checkToken(token.Token); err != nil {
		return err
	}
	if len(token.CACertHashes) == 0 {
		return errors.New("the certificate authority is not pinned")
	}
	if err := c.api.checkName(join.NodeRegistration.Name); err != nil {
		return err
	}
	if join.ControlPlane != nil {
		if err := c.api.checkCertificates(join.ControlPlane.CertificateKey); err != nil {
			return err
		}
		if err := h.becomeControlPlane(); err != nil {
			return err
		}
	}
	return h.becomeNode(join)
}

// becomeControlPlane starts an API server and a new member of etcd, which gets a vote.
func (h *Host) becomeControlPlane() error {
	if h.cluster.config.Security.EncryptSecrets && !h.exists(render.EncryptionConfig) {
		return fmt.Errorf("the API server ended: %s does not exist", render.EncryptionConfig)
	}
	if err := h.cluster.etcd.add(h); err != nil {
		return err
	}
	h.apiServer, h.etcd, h.voter = true, true, true
	h.loadKeys()
	certificate, key := h.cluster.ca.Issue(h.cluster.tb, h.node.K8sIP.String())
	admin := kube.Admin{CA: h.cluster.ca.PEM(), Certificate: certificate, Key: key}
	endpoint := netip.AddrPortFrom(h.node.K8sIP, uint16(h.cluster.config.APIServerPort()))
	kubeconfig, err := admin.Kubeconfig(endpoint, kube.Names{Cluster: "kubernetes", User: "kubernetes-admin", Context: "kubernetes-admin"})
	if err != nil {
		return err
	}
	const etcdPKI = "/etc/kubernetes/pki/etcd/"
	for path, content := range map[string][]byte{
		"/etc/kubernetes/admin.conf": kubeconfig, "/var/lib/etcd/member": []byte("data"),
		etcdPKI + "ca.crt": h.cluster.ca.PEM(), etcdPKI + "healthcheck-client.crt": certificate, etcdPKI + "healthcheck-client.key": key,
	} {
		h.write(path, 0o600, string(content))
	}
	return nil
}

// becomeNode starts the kubelet, which registers the node.
func (h *Host) becomeNode(config kubeadmFile) error {
	h.write("/etc/kubernetes/pki/ca.crt", 0o644, string(h.cluster.ca.PEM()))
	endpoint := h.cluster.config.LoadBalancer
	h.write("/etc/kubernetes/kubelet.conf", 0o600, fmt.Sprintf("    server: https://%s:%d\n", endpoint.ControlPlaneVIP, endpoint.Port))
	var settings corev1.ConfigMap
	key := client.ObjectKey{Namespace: metav1.NamespaceSystem, Name: "kubelet-config"}
	if err := h.cluster.api.client.Get(context.Background(), key, &settings); err != nil {
		return err
	}
	h.write("/var/lib/kubelet/config.yaml", 0o600, settings.Data["kubelet"])
	state := h.units["kubelet.service"]
	state.active = true
	h.units["kubelet.service"] = state
	return h.cluster.api.register(h, config.NodeRegistration.Name)
}

// kubeadmReset reverts an init or a join. It does not remove a member of etcd, which a failed kubeadm may not do either.
func kubeadmReset(h *Host, _ remote.Script, _ *answers) error {
	h.stop("kubelet.service", standalone)
	h.apiServer, h.etcd = false, false
	for _, path := range []string{
		render.StaticPods, "/etc/kubernetes/pki", "/etc/kubernetes/admin.conf",
		"/etc/kubernetes/kubelet.conf", "/var/lib/kubelet/config.yaml", "/var/lib/etcd/member",
	} {
		h.remove(path)
	}
	return nil
}

// uploadCertificates stores the control plane's certificates in the cluster.
func uploadCertificates(h *Host, script remote.Script, _ *answers) error {
	content, err := io.ReadAll(script.Stdin)
	if err != nil {
		return err
	}
	config, err := documents(string(content))
	if err != nil {
		return err
	}
	if !h.apiServer {
		return errors.New("there is no API server")
	}
	return h.cluster.api.storeCertificates(config["InitConfiguration"].CertificateKey)
}
