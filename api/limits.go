package api

import (
	"fmt"

	"github.com/dualstrap/dualstrap/api/strictyaml"
	v1 "github.com/dualstrap/dualstrap/api/v1"
)

// Limits bound the size of manifests. Commands use [DefaultLimits]; benchmarks set higher ones to measure larger
// manifests.
type Limits struct {
	// Nodes is the maximum number of nodes in all pools together.
	Nodes int
	// Bytes is the maximum size of one source, and Total that of all sources together.
	Bytes, Total int
}

// maxScalar is the maximum size of a single value in bytes. No field needs as much.
const maxScalar = 64 << 10

// DefaultLimits returns limits above the needs of any cluster: Kubernetes is tested with 5,000 nodes.
func DefaultLimits() Limits { return Limits{Nodes: 10_000, Bytes: 8 << 20, Total: 16 << 20} }

// admit reports whether a source fits into the limit on all sources. It adds a problem for the first source that
// does not.
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

// countNodes drops the nodes past the limit and reports the first of them. The rules then check only the nodes that
// remain, so that the time for manifests that are too large is bounded as well.
func (p *parser) countNodes() {
	left := p.limits.Nodes
	keep := func(doc *Document, path string, spec *v1.NodePoolSpec) {
		if spec == nil {
			return
		}
		if left < len(spec.Nodes) && !p.tooManyNodes {
			p.tooManyNodes = true
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
