package api

import (
	"slices"

	v1 "github.com/dualstrap/dualstrap/api/v1"
)

// RuleDoc describes one rule that manifests must follow.
type RuleDoc struct {
	// Name is stable, in words joined by dashes. Problem.Rule holds it.
	Name string
	// Summary states the rule in one sentence.
	Summary string
	// Source names the origin of the rule in a word.
	Source string
}

// Rules returns every rule that [Resolve] applies, in that order.
func Rules() []RuleDoc {
	var docs []RuleDoc
	for _, r := range rules() {
		docs = append(docs, r.RuleDoc)
	}
	return docs
}

// rule is a RuleDoc and the function that enforces it.
type rule struct {
	RuleDoc
	check func(*checker)
}

// Sources of rules.
const (
	// fromDocumentation marks requirements in the documentation of Google Distributed Cloud.
	fromDocumentation = "documentation"
	// fromKubernetes marks mistakes that a Kubernetes component would refuse later.
	fromKubernetes = "Kubernetes"
	// fromNetwork marks configurations that cannot work on a network.
	fromNetwork = "network"
	// fromDualstrap marks limits of dualstrap itself.
	fromDualstrap = "dualstrap"
)

// newRule returns a rule with its function.
func newRule(name, source, summary string, check func(*checker)) rule {
	return rule{RuleDoc{Name: name, Source: source, Summary: summary}, check}
}

// ofCluster returns a rule about the Cluster alone. It is skipped when there is no Cluster, so its function may
// call [checker.at].
func ofCluster(name, source, summary string, check func(*checker, *v1.ClusterSpec)) rule {
	return newRule(name, source, summary, func(c *checker) {
		if c.cluster != nil {
			check(c, &c.cluster.Value.Spec)
		}
	})
}

// at returns the position of a field of the Cluster, which must exist.
func (c *checker) at(path string) Ref { return c.cluster.At(path) }

// rules returns all rules. The order is that of the manifests: the documents as a whole, then the fields of each,
// then their relations.
func rules() []rule {
	return slices.Concat(
		documentRules(),
		clusterRules(),
		refusedRules(),
		networkRules(),
		nodeRules(),
		labelRules(),
		loadBalancerRules(),
		addressPoolRules(),
		cidrConfigRules(),
		selectorRules(),
		optionRules(),
		sshRules(),
		mirrorRules(),
		overlapRules(),
	)
}
