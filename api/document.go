package api

import "github.com/dualstrap/dualstrap/api/strictyaml"

// Document is one YAML document of a source.
type Document struct {
	// File and Line tell where the document begins.
	File string
	Line int
	// Kind and Name identify the object, as far as known. Both are empty for bmctl's header; Name is also empty for
	// a name that no Kubernetes object may have.
	Kind string
	Name string

	// yaml is the decoded document. It is nil for documents that were not parsed, as in tests and generated
	// manifests.
	yaml *strictyaml.Document
}

// Position returns the line and column of a field, as in spec.nodes[3].address, or of its nearest existing
// ancestor. A key with characters other than letters, digits, - and _ is in brackets, as in
// metadata.labels[example.com/rack]; [strictyaml.AppendKey] writes such paths.
func (d *Document) Position(path string) (line, column int) {
	if d.yaml == nil {
		return d.Line, min(d.Line, 1)
	}
	return d.yaml.Position(path)
}

// Has reports whether the document has the field. A null counts as absent where the field may be null.
func (d *Document) Has(path string) bool {
	return d.yaml != nil && d.yaml.Has(path)
}
