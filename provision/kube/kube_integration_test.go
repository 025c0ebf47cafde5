//go:build integration

package kube

import (
	"context"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dualstrap/dualstrap/internal/kubetest"
)

// connect returns a client of a real API server whose address only dial knows. It authenticates with a token as the
// test's administrator.
func connect(t *testing.T) *Client {
	t.Helper()
	config := kubetest.Start(t)
	server, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	config.Host = "https://kubernetes:1" // the certificate is for this name; nothing listens at the port
	c := newClient(config, func(ctx context.Context) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "tcp", server.Host)
	})
	if err := c.Ready(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	return c
}

const manifest = `# a document of comments alone
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: default}
data: {a: "1"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web
        ports: [{containerPort: 80}]
`

const nodes = `apiVersion: v1
kind: Node
metadata:
  name: worker
  labels: {example.com/rack: a}
spec:
  podCIDR: 192.168.1.0/24
  podCIDRs: [192.168.1.0/24, fd12::1:100/120]
  providerID: baremetal://10.2.0.5
  taints: [{key: storage, effect: NoSchedule}]
`

func decoded(t *testing.T, text string) []Object {
	t.Helper()
	objects, err := Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func TestIntegrationApplyConverges(t *testing.T) {
	c := connect(t)
	objects := decoded(t, manifest)
	expect := func(what string, want ...Difference) {
		t.Helper()
		got, err := c.Compare(t.Context(), objects)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	apply := func() {
		t.Helper()
		if err := c.Apply(t.Context(), objects); err != nil {
			t.Fatal(err)
		}
	}
	expect("at first", Difference{Verb: Create}, Difference{Verb: Create})
	apply()
	expect("after applying", Difference{}, Difference{})

	object := &corev1.ConfigMap{}
	if err := c.client.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "settings"}, object); err != nil {
		t.Fatal(err)
	}
	object.Data = map[string]string{"a": "2", "by-others": "x"}
	if err := c.client.Update(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	expect("after somebody's change", Difference{Update, []string{"data.a"}}, Difference{})
	apply()
	expect("after the repair", Difference{}, Difference{})
	if err := c.client.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "1", "by-others": "x"}, object.Data); diff != "" {
		t.Errorf("what others added does not stay (-want +got):\n%s", diff)
	}

	objects = decoded(t, strings.Replace(manifest, "data: {a: \"1\"}", "data: {b: \"1\"}", 1))
	apply()
	if err := c.client.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"b": "1", "by-others": "x"}, object.Data); diff != "" {
		t.Errorf("what the manifests had before does not go (-want +got):\n%s", diff)
	}

	objects = decoded(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Wrong_Name, namespace: default}\n")
	if err := c.Apply(t.Context(), objects); err == nil || !strings.Contains(err.Error(), "cannot apply ConfigMap default/Wrong_Name") {
		t.Errorf("an invalid object: %v", err)
	}
}

func TestIntegrationNodesKeepWhatIsOthers(t *testing.T) {
	c := connect(t)
	// The Node as a kubelet registers it.
	registered := &corev1.Node{}
	registered.Name = "worker"
	registered.Spec.Taints = []corev1.Taint{taint("node.kubernetes.io/unschedulable")}
	if err := c.client.Create(t.Context(), registered); err != nil {
		t.Fatal(err)
	}
	taints := func(text string) []string {
		t.Helper()
		objects := decoded(t, text)
		if err := c.ApplyNodes(t.Context(), objects); err != nil {
			t.Fatal(err)
		}
		if differences, err := c.CompareNodes(t.Context(), objects); err != nil || differences[0].Any() {
			t.Errorf("after applying: %v, %v", differences, err)
		}
		var node corev1.Node
		if err := c.client.Get(t.Context(), client.ObjectKey{Name: "worker"}, &node); err != nil {
			t.Fatal(err)
		}
		if len(node.Spec.PodCIDRs) != 2 || node.Spec.ProviderID != "baremetal://10.2.0.5" || node.Labels["example.com/rack"] != "a" {
			t.Errorf("the node is %+v", node.Spec)
		}
		var keys []string
		for _, each := range node.Spec.Taints {
			if each.Key != corev1.TaintNodeNotReady { // admission adds it to new nodes
				keys = append(keys, each.Key)
			}
		}
		return keys
	}
	if diff := cmp.Diff([]string{"node.kubernetes.io/unschedulable", "storage"}, taints(nodes)); diff != "" {
		t.Errorf("taints (-want +got):\n%s", diff)
	}
	fast := decoded(t, strings.Replace(nodes, "{key: storage,", "{key: storage, value: fast,", 1))
	if differences, err := c.CompareNodes(t.Context(), fast); err != nil || differences[0].Verb != Update {
		t.Errorf("another value of a taint: %v, %v", differences, err)
	}
	without := strings.Replace(nodes, "  taints: [{key: storage, effect: NoSchedule}]\n", "", 1)
	if diff := cmp.Diff([]string{"node.kubernetes.io/unschedulable"}, taints(without)); diff != "" {
		t.Errorf("taints (-want +got):\n%s", diff)
	}
}

func TestIntegrationNodesAreAnnounced(t *testing.T) {
	c := connect(t)
	ctx := t.Context()
	node := decoded(t, "apiVersion: v1\nkind: Node\nmetadata: {name: announced}\nspec: {providerID: \"baremetal://10.2.0.9\"}\n")
	if err := c.ApplyNodes(ctx, node); err != nil {
		t.Fatal(err)
	}
	if err := c.SetInitialCapacity(ctx, "announced", Capacity{CPUs: 2, Memory: 4 << 30, Pods: 110}); err != nil {
		t.Fatal(err)
	}
	// From now on, the capacity that the kubelet reports counts.
	if err := c.SetInitialCapacity(ctx, "announced", Capacity{CPUs: 1, Memory: 1, Pods: 1}); err != nil {
		t.Fatal(err)
	}
	var live corev1.Node
	if err := c.client.Get(ctx, client.ObjectKey{Name: "announced"}, &live); err != nil {
		t.Fatal(err)
	}
	for _, has := range []corev1.ResourceList{live.Status.Capacity, live.Status.Allocatable} {
		if has.Cpu().String() != "2" || has.Memory().String() != "4Gi" || has.Pods().String() != "110" {
			t.Errorf("the node has %v", has)
		}
	}
	differences, err := c.CompareNodes(ctx, node)
	if err != nil || len(differences) != 1 || differences[0].Any() {
		t.Errorf("it differs from the manifests in %v, %v", differences, err)
	}
	if err := c.SetInitialCapacity(ctx, "nobody", Capacity{}); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("a node that is not there: %v", err)
	}
}

func TestIntegrationTokensGoAway(t *testing.T) {
	c := connect(t)
	count := func() int {
		t.Helper()
		var secrets corev1.SecretList
		if err := c.client.List(t.Context(), &secrets, client.InNamespace("kube-system")); err != nil {
			t.Fatal(err)
		}
		return len(secrets.Items)
	}
	for range 2 {
		if token, err := c.MintToken(t.Context()); err != nil || len(token) != 23 {
			t.Errorf("%q, %v", token, err)
		}
	}
	if got := count(); got != 2 {
		t.Errorf("%d tokens", got)
	}
	if err := c.RevokeTokens(t.Context()); err != nil || count() != 0 {
		t.Errorf("%d tokens are left, %v", count(), err)
	}
}
