package api

import (
	"slices"

	v1 "github.com/dualstrap/dualstrap/api/v1"
)

// RuleDoc describes one rule that manifests must follow.
type RuleDoc struct {
	// Name is stable, in words joined by dashes; Problem.Rule holds it.
	Name string
	// Summary is the rule itself in one sentence.
	Summary string
	// Source says in few words where the rule comes from.
	Source string
}

// Rules describes every rule that [Resolve] applies, in the order it does.
func Rules() []RuleDoc {
	var docs []RuleDoc
	for _, r := range rules() {
		docs = append(docs, r.RuleDoc)
	}
	return docs
}

// rule is a RuleDoc and what enforces it.
type rule struct {
	RuleDoc
	check func(*checker)
}

// Sources of rules.
const (
	// fromDocumentation marks what the documentation of Google Distributed Cloud demands.
	fromDocumentation = "documentation"
	// fromKubernetes marks what a program of Kubernetes would refuse later.
	fromKubernetes = "Kubernetes"
	// fromNetwork marks what cannot work on a network.
	fromNetwork = "network"
	// fromDualstrap marks limits of dualstrap itself.
	fromDualstrap = "dualstrap"
)

// newRule names a rule and what enforces it.
func newRule(name, source, summary string, check func(*checker)) rule {
	return rule{RuleDoc{Name: name, Source: source, Summary: summary}, check}
}

// ofCluster is a rule about the Cluster alone, for [checker.at] to point into.
func ofCluster(name, source, summary string, check func(*checker, *v1.ClusterSpec)) rule {
	return newRule(name, source, summary, func(c *checker) {
		if c.cluster != nil {
			check(c, &c.cluster.Value.Spec)
		}
	})
}

// at is the place of a field of the Cluster.
func (c *checker) at(path string) Ref { return c.cluster.At(path) }

// rules is the whole list. The order is that of the manifests: which documents there are, then
// what is in each, then how they fit together.
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
