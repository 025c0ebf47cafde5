//go:build integration

package controller_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// createNode creates a Node from "name {a=1} [10.0.0.0/24 fd00::/120]".
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

// createNodes creates Nodes concurrently.
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

// waitHolds waits until a Node has podCIDRs, and compares them with want.
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

// waitEvent waits for a warning Event with this reason about a Node, and returns its message.
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

// checkUnique fails if two Nodes hold the same addresses, or if a Node holds anything but one block of each family. It
// returns the number of Nodes that hold any.
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

// names returns n names that sort by their numbers.
func names(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("n%04d", i)
	}
	return slices.Clip(all)
}
