package api

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/dualstrap/dualstrap/api/strictyaml"
	v1 "github.com/dualstrap/dualstrap/api/v1"
	"github.com/dualstrap/dualstrap/api/v1alpha1"
)

// RuleKind is the name of the rule that every document has a known kind.
const RuleKind = "known-kind"

// API versions of the manifests.
const (
	googleGroup      = "baremetal.cluster.gke.io"
	googleV1         = googleGroup + "/v1"
	googleV1Alpha1   = googleGroup + "/v1alpha1"
	dualstrapVersion = "dualstrap.dev/v1alpha1"
)

// kind describes a kind of document that dualstrap reads.
type kind struct {
	// name and apiVersion are empty for bmctl's header.
	name, apiVersion string
	// example is a zero value of the Go type, for the names of its fields.
	example any
	// fields returns the fields that are ignored or refused.
	fields func() []strictyaml.Rule
	// decode appends the document to its list in the manifests. Its error is a mistake of the programmer.
	decode func(*Manifests, *Document, *strictyaml.Fields) error
}

// kinds returns every kind that dualstrap reads.
func kinds() []kind {
	return []kind{
		newKind("", "", headerFields, func(m *Manifests) *[]Object[Header] { return &m.Header }),
		newKind("Namespace", "v1", namespaceFields, func(m *Manifests) *[]Object[Namespace] { return &m.Namespaces }),
		newKind("Cluster", googleV1, clusterFields, func(m *Manifests) *[]Object[v1.Cluster] { return &m.Clusters }),
		newKind("NodePool", googleV1, nodePoolFields, func(m *Manifests) *[]Object[v1.NodePool] { return &m.NodePools }),
		newKind("ClusterCIDRConfig", googleV1Alpha1, cidrConfigFields,
			func(m *Manifests) *[]Object[v1alpha1.ClusterCIDRConfig] { return &m.ClusterCIDRConfigs }),
		newKind("ProvisionOptions", dualstrapVersion, optionsFields,
			func(m *Manifests) *[]Object[ProvisionOptions] { return &m.Options }),
	}
}

// newKind returns a kind whose objects are appended to one list of the manifests.
func newKind[T any](name, apiVersion string, fields func() []strictyaml.Rule, list func(*Manifests) *[]Object[T]) kind {
	return kind{
		name: name, apiVersion: apiVersion, fields: fields, example: *new(T),
		decode: func(m *Manifests, doc *Document, rules *strictyaml.Fields) error {
			o := Object[T]{Doc: doc}
			err := doc.yaml.Decode(&o.Value, rules)
			*list(m) = append(*list(m), o)
			return err
		},
	}
}

// identify sets the kind and name of the document. Problems repeat both, so texts that do not look like a kind or a
// name are left out: they may be secrets.
func (d *Document) identify() {
	if text, ok := d.yaml.Text("kind"); ok && isKindName(text) {
		d.Kind = text
	}
	if text, ok := d.yaml.Text("metadata.name"); ok && len(content.IsDNS1123Subdomain(text)) == 0 {
		d.Name = text
	}
}

// isKindName reports whether a text has the form of a kind: letters and digits in camel case.
func isKindName(text string) bool {
	return len(content.IsCIdentifier(text)) == 0 && len(text) <= 63 && !strings.Contains(text, "_") && text[0] >= 'A' && text[0] <= 'Z'
}

// recognize returns the kind to decode the document as; nil when it has no usable kind. Only the first document of
// a source may be bmctl's header.
func (p *parser) recognize(doc *Document, first bool) (*kind, Problems) {
	switch {
	case doc.Has("kind"):
		return p.byKind(doc)
	case doc.Has("apiVersion") || doc.Has("metadata") || doc.Has("spec"):
		return p.unrecognized(doc, "", "the object has no kind", "kinds are "+p.kindNames())
	case p.isHeader(doc) && first:
		return p.lookup(""), nil
	}
	hint := "write both: kinds are " + p.kindNames()
	if p.isHeader(doc) {
		hint = "bmctl's header, which has none, comes first in its file"
	}
	if doc.yaml.Bare {
		hint = `the "..." above it ends a document in YAML; if it stands for something left out, write that or remove the line`
	}
	return p.unrecognized(doc, "", "the document has no apiVersion and no kind", hint)
}

// unrecognized reports a document that cannot be decoded. The manifests become incomplete, because an object that
// seems to be missing may be in it.
func (p *parser) unrecognized(doc *Document, path, message, hint string) (*kind, Problems) {
	p.manifests.Incomplete = true
	return nil, Problems{doc.problem(path, message, hint)}
}

// isHeader reports whether a document has a field of bmctl's header, possibly misspelt.
func (p *parser) isHeader(doc *Document) bool {
	header := p.lookup("")
	names := strictyaml.FieldNames(header.example)
	for _, f := range header.fields() {
		names = append(names, f.Name())
	}
	keys := doc.yaml.Keys()
	return len(keys) == 0 || slices.ContainsFunc(keys, func(key string) bool { return strictyaml.Nearest(key, names) != "" })
}

// byKind returns the kind that matches kind and apiVersion. A kind or version that is nearly right is reported and
// decoded nevertheless, so that further mistakes are found in the same run.
func (p *parser) byKind(doc *Document) (*kind, Problems) {
	text, isText := doc.yaml.Text("kind")
	if !isText {
		return p.unrecognized(doc, "kind", "kind is not a word", "kinds are "+p.kindNames())
	}
	if k := p.lookup(text); k != nil && text != "" {
		return p.checkVersion(doc, k)
	}
	if reason, ok := refusedKinds()[text]; ok {
		return nil, Problems{doc.problem("kind", text+" is not supported: "+reason, "")}
	}
	if strings.HasSuffix(text, "List") {
		return p.unrecognized(doc, "kind", "lists of objects are not supported", "make each item a document, after a line ---")
	}
	near := strictyaml.Nearest(text, p.names())
	if near == "" {
		return nil, Problems{doc.problem("kind", "unknown kind",
			"kinds are "+p.kindNames()+"; kubectl applies others once the cluster is there")}
	}
	doc.Kind = near
	k, problems := p.checkVersion(doc, p.lookup(near))
	return k, append(Problems{doc.problem("kind", "unknown kind", fmt.Sprintf("did you mean %q?", near))}, problems...)
}

// checkVersion reports an apiVersion that does not match the kind. Objects of another API group are not decoded:
// Cluster, for one, is a kind in several.
func (p *parser) checkVersion(doc *Document, k *kind) (*kind, Problems) {
	version, _ := doc.yaml.Text("apiVersion")
	if version == k.apiVersion {
		return k, nil
	}
	hint := "write apiVersion: " + k.apiVersion
	if !doc.Has("apiVersion") {
		return k, Problems{doc.problem("", "the object has no apiVersion", hint)}
	}
	problem := doc.problem("apiVersion", fmt.Sprintf("the apiVersion of a %s is %s", k.name, k.apiVersion), hint)
	group, _, _ := strings.Cut(version, "/")
	wanted, _, _ := strings.Cut(k.apiVersion, "/")
	if strictyaml.Nearest(group, []string{wanted, googleGroup}) == "" {
		p.manifests.Incomplete = true
		k = nil
	}
	return k, Problems{problem}
}

// lookup returns the kind of a name, or nil. The name "" is bmctl's header.
func (p *parser) lookup(name string) *kind {
	i := slices.IndexFunc(p.kinds, func(k kind) bool { return k.name == name })
	if i < 0 {
		return nil
	}
	return &p.kinds[i]
}

// names returns the names of the kinds that have one.
func (p *parser) names() []string {
	var names []string
	for _, k := range p.kinds {
		if k.name != "" {
			names = append(names, k.name)
		}
	}
	return names
}

// kindNames returns the names of all kinds for hints.
func (p *parser) kindNames() string { return strings.Join(p.names(), ", ") }

// problem returns a problem of RuleKind at a field of the document.
func (d *Document) problem(path, message, hint string) Problem {
	p := Problem{Severity: SeverityError, File: d.File, Object: objectName(d), Path: path, Rule: RuleKind, Message: message, Hint: hint}
	p.Line, p.Column = d.Position(path)
	return p
}
