package api

import (
	"fmt"

	"github.com/dualstrap/dualstrap/api/strictyaml"
	v1 "github.com/dualstrap/dualstrap/api/v1"
)

// Limits bound what manifests may hold. Users have [DefaultLimits]; whoever wants to know what larger manifests cost sets
// others.
type Limits struct {
	// Nodes is how many nodes all pools may have together.
	Nodes int
	// Bytes is the size of one source, and Total that of all together.
	Bytes, Total int
}

// maxScalar is more than any field takes.
const maxScalar = 64 << 10

// DefaultLimits are past what a cluster takes: 5,000 nodes are what Kubernetes is tested with.
func DefaultLimits() Limits { return Limits{Nodes: 10_000, Bytes: 8 << 20, Total: 16 << 20} }

// admit reports whether a source is still within the bound of all together, and says so at the first one that is not.
func (p *parser) admit(s Source) bool {
	before := p.bytes
	p.bytes += len(s.Data)
	if p.bytes <= p.limits.Total {
		return true
	}
	p.manifests.Incomplete = true
	if before <= p.limits.Total {
		p.problems = append(p.problems, Problem{
			Severity: SeverityError, File: s.Name, Line: 1, Column: 1, Rule: strictyaml.RuleLimit,
			Message: fmt.Sprintf("with this file the manifests are larger than %d MiB together", p.limits.Total>>20),
			Hint:    "give the files of one cluster only",
		})
	}
	return false
}

// countNodes keeps as many nodes as a cluster may have, and says at the first one more that there are too many. The rules
// have to do with those that are kept, so that mistakes are found in no more time than they take.
func (p *parser) countNodes() {
	left := p.limits.Nodes
	keep := func(doc *Document, path string, spec *v1.NodePoolSpec) {
		if spec == nil {
			return
		}
		if left < len(spec.Nodes) && !p.crowded {
			p.crowded = true
			p.manifests.Incomplete = true
			at := Ref{Doc: doc, Path: fmt.Sprintf("%s.nodes[%d]", path, left)}
			p.problems = append(p.problems, at.Problem(SeverityError, strictyaml.RuleLimit,
				fmt.Sprintf("the pools have more than %d nodes together", p.limits.Nodes), "make several clusters of them"))
		}
		spec.Nodes = spec.Nodes[:min(left, len(spec.Nodes))]
		left -= len(spec.Nodes)
	}
	for i := range p.manifests.Clusters {
		cluster := &p.manifests.Clusters[i]
		keep(cluster.Doc, "spec.controlPlane.nodePoolSpec", &cluster.Value.Spec.ControlPlane.NodePoolSpec)
		keep(cluster.Doc, "spec.loadBalancer.nodePoolSpec", cluster.Value.Spec.LoadBalancer.NodePoolSpec)
	}
	for i := range p.manifests.NodePools {
		keep(p.manifests.NodePools[i].Doc, "spec", &p.manifests.NodePools[i].Value.Spec)
	}
}
