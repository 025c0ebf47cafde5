package api

import (
	v1 "github.com/dualstrap/dualstrap/api/v1"
	"github.com/dualstrap/dualstrap/api/v1alpha1"
)

// Source is the content of one file of manifests.
type Source struct {
	// Name is the file's path as the user gave it; "-" for standard input.
	Name string
	Data []byte
}

// Manifests holds all objects of the sources, decoded but still in the text form of their author.
type Manifests struct {
	Header             []Object[Header]
	Namespaces         []Object[Namespace]
	Clusters           []Object[v1.Cluster]
	NodePools          []Object[v1.NodePool]
	ClusterCIDRConfigs []Object[v1alpha1.ClusterCIDRConfig]
	Options            []Object[ProvisionOptions]

	// Incomplete is set when a document could not be read at all. An object that seems to be missing may be in it,
	// so rules report nothing as missing.
	Incomplete bool
}

// Object is a decoded document and its position.
type Object[T any] struct {
	Value T
	Doc   *Document
}

// Ref is the position of one field, for problems to point at. The zero Ref has no position.
type Ref struct {
	Doc  *Document
	Path string
}

// At returns the position of a field of the document, as in spec.nodes[0].address; "" is the document itself.
func (o Object[T]) At(path string) Ref { return Ref{Doc: o.Doc, Path: path} }

// String returns the position in the form users know, as in NodePool/np1 spec.nodes[0].
func (ref Ref) String() string {
	if ref.Doc == nil {
		return ref.Path
	}
	return objectName(ref.Doc) + " " + ref.Path
}

// Problem returns a problem with the field.
func (ref Ref) Problem(severity Severity, rule, message, hint string) Problem {
	p := Problem{Severity: severity, Path: ref.Path, Message: message, Hint: hint, Rule: rule}
	if ref.Doc != nil {
		p.File, p.Object = ref.Doc.File, objectName(ref.Doc)
		p.Line, p.Column = ref.Doc.Position(ref.Path)
	}
	return p
}
