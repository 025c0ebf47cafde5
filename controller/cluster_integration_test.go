//go:build integration

package controller_test

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/api/v1alpha1"
	"github.com/dualstrap/dualstrap/controller"
	"github.com/dualstrap/dualstrap/internal/kubetest"
	"github.com/dualstrap/dualstrap/provision"
	"github.com/dualstrap/dualstrap/render"
)

// namespace is that of the ClusterCIDRConfigs.
const namespace = "cluster-dual-stack"

// cluster is an API server with everything in it that is rendered for the controller.
type cluster struct {
	config *rest.Config
	typed  kubernetes.Interface
	client client.Client
	// token is that of the controller's ServiceAccount.
	token string
}

func newCluster(tb testing.TB) *cluster {
	tb.Helper()
	scheme, err := controller.Scheme()
	if err != nil {
		tb.Fatal(err)
	}
	config := kubetest.Start(tb)
	c := &cluster{config: config, typed: kubernetes.NewForConfigOrDie(config)}
	if c.client, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		tb.Fatal(err)
	}
	for _, file := range rendered(tb) {
		switch file.Path {
		case "00-namespaces.yaml", "10-crds.yaml", "40-controller.yaml":
			c.apply(tb, string(file.Content))
		}
	}
	c.eventually(tb, "ClusterCIDRConfigs are served", func() string {
		return text(c.client.List(tb.Context(), &v1alpha1.ClusterCIDRConfigList{}))
	})
	request, err := c.typed.CoreV1().ServiceAccounts(render.SystemNamespace).CreateToken(
		tb.Context(), controller.Name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	c.token = request.Status.Token
	return c
}

// rendered gives the manifests of an example.
func rendered(tb testing.TB) []render.File {
	tb.Helper()
	path := filepath.Join("..", "examples", "dual-stack.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	verdict := provision.Judge([]api.Source{{Name: path, Data: data}})
	files, err := render.Cluster(render.Input{Config: verdict.Config, Plan: verdict.Plan})
	if err != nil {
		tb.Fatal(err)
	}
	return files
}

func (c *cluster) apply(tb testing.TB, manifests string) {
	tb.Helper()
	for document := range strings.SplitSeq("\n"+manifests, "\n---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), object); err != nil {
			tb.Fatal(err)
		}
		if len(object.Object) == 0 {
			continue
		}
		if err := c.client.Create(tb.Context(), object); err != nil {
			tb.Fatal(err)
		}
	}
}

// eventually waits until nothing is missing; what is missing is what the last look gave.
func (c *cluster) eventually(tb testing.TB, what string, missing func() string) {
	tb.Helper()
	last := ""
	for begin := time.Now(); time.Since(begin) < 5*time.Minute; time.Sleep(50 * time.Millisecond) {
		if last = missing(); last == "" {
			return
		}
	}
	tb.Fatalf("%s: not yet: %s", what, last)
}

func text(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

// clear removes what a test has made, and waits until it is gone.
func (c *cluster) clear(tb testing.TB) {
	tb.Helper()
	if err := c.client.DeleteAllOf(tb.Context(), &corev1.Node{}); err != nil {
		tb.Fatal(err)
	}
	var nodes corev1.NodeList
	if err := c.client.List(tb.Context(), &nodes); err != nil {
		tb.Fatal(err)
	}
	for i := range nodes.Items { // those with finalizers
		c.deleteNode(tb, nodes.Items[i].Name)
	}
	var configs v1alpha1.ClusterCIDRConfigList
	if err := c.client.List(tb.Context(), &configs); err != nil {
		tb.Fatal(err)
	}
	for i := range configs.Items {
		ranges := &configs.Items[i]
		ranges.Finalizers = nil
		if err := client.IgnoreNotFound(c.client.Update(tb.Context(), ranges)); err != nil {
			tb.Fatal(err)
		}
		if err := client.IgnoreNotFound(c.client.Delete(tb.Context(), ranges)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := c.client.DeleteAllOf(tb.Context(), &corev1.Event{}, client.InNamespace("default")); err != nil {
		tb.Fatal(err)
	}
}

// createConfig makes a ClusterCIDRConfig of "10.0.0.0/22>24 fd00::/118>120 {a=1}".
func (c *cluster) createConfig(tb testing.TB, name, ranges string) {
	tb.Helper()
	ranges, labels := cutLabels(ranges)
	object := &v1alpha1.ClusterCIDRConfig{}
	object.Name, object.Namespace = name, namespace
	fields := strings.Fields(ranges)
	object.Spec.IPv4, object.Spec.IPv6 = cidrRange(tb, fields[0]), cidrRange(tb, fields[1])
	if len(labels) > 0 {
		object.Spec.NodeSelector = &v1alpha1.NodeSelector{MatchLabels: labels}
	}
	if err := c.client.Create(tb.Context(), object); err != nil {
		tb.Fatal(err)
	}
}

func cidrRange(tb testing.TB, text string) v1alpha1.CIDRRange {
	tb.Helper()
	var r v1alpha1.CIDRRange
	text, mask, _ := strings.Cut(text, ">")
	r.CIDR = text
	if _, err := fmt.Sscan(mask, &r.PerNodeMaskSize); err != nil {
		tb.Fatal(err)
	}
	return r
}

func cutLabels(text string) (string, map[string]string) {
	text, list, _ := strings.Cut(text, "{")
	labels := map[string]string{}
	for pair := range strings.SplitSeq(strings.TrimSuffix(list, "}"), ",") {
		if key, value, ok := strings.Cut(pair, "="); ok {
			labels[key] = value
		}
	}
	return text, labels
}

// ranges gives a ClusterCIDRConfig, or nil.
func (c *cluster) ranges(tb testing.TB, name string) *v1alpha1.ClusterCIDRConfig {
	tb.Helper()
	object := &v1alpha1.ClusterCIDRConfig{}
	err := c.client.Get(tb.Context(), client.ObjectKey{Namespace: namespace, Name: name}, object)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		tb.Fatal(err)
	}
	return object
}

func (c *cluster) deleteConfig(tb testing.TB, name string) {
	tb.Helper()
	object := &v1alpha1.ClusterCIDRConfig{}
	object.Name, object.Namespace = name, namespace
	if err := c.client.Delete(tb.Context(), object); err != nil {
		tb.Fatal(err)
	}
}

// createNode makes a Node of "name {a=1} [10.0.0.0/24 fd00::/120]".
func (c *cluster) createNode(tb testing.TB, described string) {
	tb.Helper()
	described, held, _ := strings.Cut(described, "[")
	name, labels := cutLabels(described)
	node := &corev1.Node{}
	node.Name, node.Labels = strings.TrimSpace(name), labels
	if podCIDRs := strings.Fields(strings.TrimSuffix(held, "]")); len(podCIDRs) > 0 {
		node.Spec.PodCIDR, node.Spec.PodCIDRs = podCIDRs[0], podCIDRs
	}
	if err := c.client.Create(tb.Context(), node); err != nil {
		tb.Fatal(err)
	}
}

// createNodes makes Nodes of these names, several at once.
func (c *cluster) createNodes(tb testing.TB, names ...string) {
	tb.Helper()
	var group errgroup.Group
	group.SetLimit(16)
	for _, name := range names {
		group.Go(func() error {
			node := &corev1.Node{}
			node.Name = name
			return c.client.Create(tb.Context(), node)
		})
	}
	if err := group.Wait(); err != nil {
		tb.Fatal(err)
	}
}

func (c *cluster) node(tb testing.TB, name string) *corev1.Node {
	tb.Helper()
	node, err := c.typed.CoreV1().Nodes().Get(tb.Context(), name, metav1.GetOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	return node
}

func (c *cluster) deleteNode(tb testing.TB, name string) {
	tb.Helper()
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))
	node := &corev1.Node{}
	node.Name = name
	if err := c.client.Patch(tb.Context(), node, patch); client.IgnoreNotFound(err) != nil {
		tb.Fatal(err)
	}
	if err := client.IgnoreNotFound(c.client.Delete(tb.Context(), node)); err != nil {
		tb.Fatal(err)
	}
}

// label sets labels of a Node.
func (c *cluster) label(tb testing.TB, name, labels string) {
	tb.Helper()
	node := c.node(tb, name)
	before := node.DeepCopy()
	_, added := cutLabels(labels)
	if node.Labels == nil {
		node.Labels = map[string]string{}
	}
	maps.Copy(node.Labels, added)
	if err := c.client.Patch(tb.Context(), node, client.MergeFrom(before)); err != nil {
		tb.Fatal(err)
	}
}

// waitHolds waits until a Node has podCIDRs, and holds them against what they should be.
func (c *cluster) waitHolds(tb testing.TB, name, want string) {
	tb.Helper()
	var node *corev1.Node
	c.eventually(tb, name+" has podCIDRs", func() string {
		if node = c.node(tb, name); len(node.Spec.PodCIDRs) == 0 {
			return "it has none"
		}
		return ""
	})
	if got := strings.Join(node.Spec.PodCIDRs, " "); got != want {
		tb.Errorf("podCIDRs of %s are %s, want %s", name, got, want)
	}
	if node.Spec.PodCIDR != node.Spec.PodCIDRs[0] {
		tb.Errorf("podCIDR of %s is %s, and its podCIDRs are %v", name, node.Spec.PodCIDR, node.Spec.PodCIDRs)
	}
}

// waitEvent waits for an Event about a Node, and gives its message.
func (c *cluster) waitEvent(tb testing.TB, node, reason string) string {
	tb.Helper()
	message := ""
	c.eventually(tb, reason+" of "+node, func() string {
		reasons := []string{}
		for _, event := range c.events(tb, node) {
			if event.Reason == reason && event.Type == corev1.EventTypeWarning {
				message = event.Message
				return ""
			}
			reasons = append(reasons, event.Reason)
		}
		return fmt.Sprintf("there are %v", reasons)
	})
	return message
}

func (c *cluster) events(tb testing.TB, node string) []corev1.Event {
	tb.Helper()
	list, err := c.typed.CoreV1().Events("default").List(tb.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=" + node})
	if err != nil {
		tb.Fatal(err)
	}
	return list.Items
}

// checkUnique fails when two Nodes hold the same addresses, or one holds other than one block of each
// family. It gives the number of Nodes that hold any.
func (c *cluster) checkUnique(tb testing.TB) int {
	tb.Helper()
	var nodes corev1.NodeList
	if err := c.client.List(tb.Context(), &nodes); err != nil {
		tb.Fatal(err)
	}
	holders := map[netip.Prefix]string{}
	served := 0
	for i := range nodes.Items {
		node := &nodes.Items[i]
		if len(node.Spec.PodCIDRs) == 0 {
			continue
		}
		served++
		if len(node.Spec.PodCIDRs) != 2 {
			tb.Errorf("%s holds %v", node.Name, node.Spec.PodCIDRs)
		}
		for _, podCIDR := range node.Spec.PodCIDRs {
			p := netip.MustParsePrefix(podCIDR)
			if other, taken := holders[p]; taken {
				tb.Errorf("%s and %s both hold %s", other, node.Name, p)
			}
			holders[p] = node.Name
		}
	}
	return served
}

// names gives n names that sort as they are numbered.
func names(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("n%04d", i)
	}
	return slices.Clip(all)
}
