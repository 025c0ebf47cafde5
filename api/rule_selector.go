package api

import (
	"maps"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
)

// selectorRules returns the rules about the selectors of ClusterCIDRConfigs.
func selectorRules() []rule {
	return []rule{
		newRule("selector", fromKubernetes, "matchLabels have keys and values that Kubernetes accepts", checkSelectors),
		newRule("selector-matches", fromDualstrap, "a nodeSelector matches a node", checkSelectorMatches),
	}
}

// maxMatchLabels is the limit in the cluster's schema of ClusterCIDRConfig.
const maxMatchLabels = 64

// checkSelectors validates matchLabels as labels of nodes.
func checkSelectors(c *checker) {
	for _, cc := range c.config.CIDRConfigs {
		at := cc.Ref.field("nodeSelector.matchLabels")
		if n := len(cc.MatchLabels); n > maxMatchLabels {
			c.errorf(at, "give the nodes one label of their own and select that",
				"%d labels are more than the %d that a selector can have", n, maxMatchLabels)
		}
		c.checkLabelMap(at, cc.MatchLabels)
	}
}

// checkSelectorMatches warns about a selector that matches no node. It is not an error, because ranges may be
// defined before their pool. It is skipped while a document is unreadable, because the NodePool may be in it.
func checkSelectorMatches(c *checker) {
	if c.manifests.Incomplete || c.cluster == nil {
		return
	}
	index := newLabelIndex(c.config)
	for _, cc := range c.config.CIDRConfigs {
		if n := len(cc.MatchLabels); n == 0 || n > maxMatchLabels || !areLabels(cc.MatchLabels) {
			continue // see checkSelectors
		}
		if !index.matches(cc.MatchLabels) {
			c.warnf(cc.Ref.field("nodeSelector.matchLabels"),
				"correct the labels; nodes have "+LabelNodePool+", "+LabelK8sIP+", "+LabelNamespace+" and the labels of their pool",
				"no node has %s, so nothing is taken from these ranges", labels.FormatLabels(cc.MatchLabels))
		}
	}
}

// areLabels reports whether Kubernetes accepts all keys and values.
func areLabels(labels map[string]string) bool {
	for key, value := range labels {
		if !isLabelKey(key) || !isLabelValue(value) {
			return false
		}
	}
	return true
}

// selectorKnown reports whether the nodeSelector is missing or could be read by the decoder.
func (c *checker) selectorKnown(cc *CIDRConfig) bool {
	return c.unreported(cc.Ref.field("nodeSelector"))
}

// labelPair is one label.
type labelPair struct{ key, value string }

// labelIndex answers whether any node has given labels, without a look at every node: all labels belong to the
// pool, except the one that holds a node's address.
type labelIndex struct {
	config *Config
	// pools holds the pools with nodes, by each of their labels.
	pools map[labelPair][]*Pool
	// byIP holds the pool of each node, by k8sIP.
	byIP map[netip.Addr]*Pool
}

// newLabelIndex returns the index of the labels of all nodes. Its size is that of the pools' labels plus one entry
// per node.
func newLabelIndex(config *Config) *labelIndex {
	x := &labelIndex{config: config, pools: map[labelPair][]*Pool{}, byIP: map[netip.Addr]*Pool{}}
	for i := range config.Pools {
		pool := &config.Pools[i]
		if len(pool.Nodes) == 0 {
			continue
		}
		for key, value := range x.shared(pool) {
			pair := labelPair{key, value}
			x.pools[pair] = append(x.pools[pair], pool)
		}
		for n := range pool.Nodes {
			x.byIP[pool.Nodes[n].K8sIP] = pool
		}
	}
	return x
}

// shared returns the labels that all nodes of a pool have.
func (x *labelIndex) shared(pool *Pool) map[string]string {
	labels := x.config.NodeLabels(pool, &Node{})
	delete(labels, LabelK8sIP)
	return labels
}

// matches reports whether a node has all of the labels.
func (x *labelIndex) matches(labels map[string]string) bool {
	rest := maps.Clone(labels)
	delete(rest, LabelK8sIP)
	if ip, byIP := labels[LabelK8sIP]; byIP {
		a, err := netip.ParseAddr(ip)
		pool, known := x.byIP[a]
		return err == nil && known && a.String() == ip && containsAll(x.shared(pool), rest)
	}
	// Every matching pool is listed under each label, so the shortest list is enough.
	var fewest []*Pool
	for key, value := range rest {
		pools := x.pools[labelPair{key, value}]
		if len(pools) == 0 {
			return false
		}
		if fewest == nil || len(pools) < len(fewest) {
			fewest = pools
		}
	}
	return slices.ContainsFunc(fewest, func(p *Pool) bool { return containsAll(x.shared(p), rest) })
}

// containsAll reports whether labels has all wanted pairs.
func containsAll(labels, wanted map[string]string) bool {
	for key, value := range wanted {
		if got, has := labels[key]; !has || got != value {
			return false
		}
	}
	return true
}
