package api

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/dualstrap/dualstrap/internal/nodeaddress"
)

// labelRules returns the rules about labels and taints of pools.
func labelRules() []rule {
	return []rule{
		newRule("label", fromKubernetes, "labels of pools have keys and values that Kubernetes accepts", checkLabels),
		newRule("label-owned", fromDualstrap, "pools do not set labels that Kubernetes or dualstrap sets", checkLabelsOwned),
		newRule("taint", fromKubernetes, "taints have keys, values and effects that Kubernetes accepts", checkTaints),
		newRule("taint-unique", fromKubernetes, "a pool has no two taints with the same key and effect", checkTaintsUnique),
	}
}

const (
	hintLabelKey = "a key is [PREFIX/]NAME: the prefix a DNS name, the name at most 63 letters, digits, dashes, dots and underscores " +
		"with a letter or digit at both ends"
	hintLabelValue = "use at most 63 letters, digits, dashes, dots and underscores, with a letter or digit at both ends"
)

func isLabelKey(s string) bool   { return len(content.IsLabelKey(s)) == 0 }
func isLabelValue(s string) bool { return len(content.IsLabelValue(s)) == 0 }

// checkLabels validates the labels of pools. Otherwise the API server would refuse a Node halfway through an
// installation.
func checkLabels(c *checker) {
	for _, pool := range c.config.Pools {
		c.checkLabelMap(pool.Ref.field("labels"), pool.Labels)
	}
}

// checkLabelMap validates labels in the order of their keys, so that the problems are the same at every run.
func (c *checker) checkLabelMap(at Ref, labels map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if !isLabelKey(key) {
			c.errorf(at.key(key), hintLabelKey, "the key of a label is not one that Kubernetes accepts")
			c.problems[len(c.problems)-1].Path = at.Path // do not repeat the key: it may be something pasted by mistake
			continue
		}
		if !isLabelValue(labels[key]) {
			c.errorf(at.key(key), hintLabelValue, "the label's value is not one that Kubernetes accepts")
		}
	}
}

// checkLabelsOwned refuses labels that another component sets. dualstrap's labels decide which ranges a node gets,
// and the kubelet overwrites its own at every start.
func checkLabelsOwned(c *checker) {
	for _, pool := range c.config.Pools {
		for _, key := range slices.Sorted(maps.Keys(pool.Labels)) {
			if owner := labelOwner(key); owner != "" {
				c.errorf(pool.Ref.field("labels").key(key), "remove it, or use a key of your own", "the label %s is set by %s", key, owner)
			}
		}
	}
}

// labelOwner returns the component that sets a label; "" for labels that are up to the author.
func labelOwner(key string) string {
	prefix, _, _ := strings.Cut(key, "/")
	switch {
	case prefix == "baremetal.cluster.gke.io", prefix == nodeaddress.Prefix:
		return "dualstrap"
	case slices.Contains([]string{
		"kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os", "beta.kubernetes.io/arch",
	}, key):
		return "the kubelet"
	case key == "node-role.kubernetes.io/control-plane", key == "node-role.kubernetes.io/master":
		return "kubeadm"
	}
	return ""
}

// checkTaints validates the taints of pools, as checkLabels does labels.
func checkTaints(c *checker) {
	for _, pool := range c.config.Pools {
		for i, t := range pool.Taints {
			at := pool.Ref.field("taints").item(i)
			switch {
			case t.Key == "" && c.unreported(at.field("key")):
				c.errorf(at, hintLabelKey, "the taint has no key")
			case t.Key != "" && !isLabelKey(t.Key):
				c.errorf(at.field("key"), hintLabelKey, "the taint's key is not one that Kubernetes accepts")
			}
			if !isLabelValue(t.Value) {
				c.errorf(at.field("value"), hintLabelValue, "the taint's value is not one that Kubernetes accepts")
			}
			if !isTaintEffect(t.Effect) {
				c.errorf(at.field("effect"), "", "the effect is not one of NoSchedule, PreferNoSchedule and NoExecute")
			}
		}
	}
}

// isTaintEffect reports whether Kubernetes defines the effect.
func isTaintEffect(e corev1.TaintEffect) bool {
	return e == corev1.TaintEffectNoSchedule || e == corev1.TaintEffectPreferNoSchedule || e == corev1.TaintEffectNoExecute
}

// checkTaintsUnique refuses two taints with the same key and effect. The API server identifies taints by these, not
// by the value.
func checkTaintsUnique(c *checker) {
	type identity struct{ key, effect string }
	for _, pool := range c.config.Pools {
		seen := map[identity]bool{}
		for i, t := range pool.Taints {
			id := identity{t.Key, string(t.Effect)}
			if seen[id] && isLabelKey(t.Key) {
				c.errorf(pool.Ref.field("taints").item(i), "keep one of them; two effects for one key are fine",
					"the pool has a taint %s with this effect already", t.Key)
			}
			seen[id] = true
		}
	}
}
