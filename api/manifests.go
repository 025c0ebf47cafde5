package api

import (
	v1 "github.com/dualstrap/dualstrap/api/v1"
	"github.com/dualstrap/dualstrap/api/v1alpha1"
)

// Source is one file of manifests, already read.
type Source struct {
	// Name is the file's path as the user gave it; "-" for standard input.
	Name string
	Data []byte
}

// Manifests is everything the sources hold, decoded and still as their author wrote it.
type Manifests struct {
	Header             []Object[Header]
	Namespaces         []Object[Namespace]
	Clusters           []Object[v1.Cluster]
	NodePools          []Object[v1.NodePool]
	ClusterCIDRConfigs []Object[v1alpha1.ClusterCIDRConfig]
	Options            []Object[ProvisionOptions]

	// Incomplete is set when a document could not be read at all, so that what seems to be missing
	// may be in there.
	Incomplete bool
}

// Object is a decoded document and where it stands.
type Object[T any] struct {
	Value T
	Doc   *Document
}

// Ref is the place of one field, for problems to point at.
type Ref struct {
	Doc  *Document
	Path string
}

// At is the place of a field of the document, as in spec.nodes[0].address.
func (o Object[T]) At(path string) Ref { return Ref{Doc: o.Doc, Path: path} }

// String names the place as users find it, as in NodePool/np1 spec.nodes[0].
func (ref Ref) String() string {
	if ref.Doc == nil {
		return ref.Path
	}
	return objectName(ref.Doc) + " " + ref.Path
}

// Problem makes a problem of what ref points at.
func (ref Ref) Problem(severity Severity, rule, message, hint string) Problem {
	p := Problem{Severity: severity, Path: ref.Path, Message: message, Hint: hint, Rule: rule}
	if ref.Doc != nil {
		p.File, p.Object = ref.Doc.File, objectName(ref.Doc)
		p.Line, p.Column = ref.Doc.Position(ref.Path)
	}
	return p
}
