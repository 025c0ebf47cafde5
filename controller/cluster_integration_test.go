//go:build integration

package controller_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
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
	"github.com/dualstrap/dualstrap/internal/certtest"
	"github.com/dualstrap/dualstrap/internal/kubetest"
	"github.com/dualstrap/dualstrap/provision/load"
	"github.com/dualstrap/dualstrap/render"
)

// namespace is that of the ClusterCIDRConfigs.
const namespace = "cluster-dual-stack"

// cluster is an API server with the manifests that are rendered for the controller.
type cluster struct {
	config *rest.Config
	typed  kubernetes.Interface
	client client.Client
	// token is that of the controller's ServiceAccount.
	token string
	// authority signs the certificates with which clients authenticate.
	authority certtest.Authority
}

func newCluster(tb testing.TB) *cluster {
	tb.Helper()
	scheme, err := controller.Scheme()
	if err != nil {
		tb.Fatal(err)
	}
	authority := certtest.New(tb)
	config := kubetest.StartWithAuthority(tb, authority)
	c := &cluster{config: config, typed: kubernetes.NewForConfigOrDie(config), authority: authority}
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

// rendered returns the manifests of an example.
func rendered(tb testing.TB) []render.File {
	tb.Helper()
	path := filepath.Join("..", "examples", "dual-stack.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	verdict := load.Manifests([]api.Source{{Name: path, Data: data}})
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

// eventually waits until missing returns "". Its last result is part of the failure.
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

// clear deletes what a test has created, and waits until it is gone.
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
	if err := c.client.DeleteAllOf(tb.Context(), &certificatesv1.CertificateSigningRequest{}); err != nil {
		tb.Fatal(err)
	}
	if err := c.client.DeleteAllOf(tb.Context(), &corev1.Event{}, client.InNamespace("default")); err != nil {
		tb.Fatal(err)
	}
}

// createConfig creates a ClusterCIDRConfig from "10.0.0.0/22>24 fd00::/118>120 {a=1}".
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

// ranges returns a ClusterCIDRConfig, or nil if it does not exist.
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
