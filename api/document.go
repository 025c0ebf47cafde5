package api

import "github.com/dualstrap/dualstrap/api/strictyaml"

// Document is one YAML document of a source.
type Document struct {
	// File and Line are where the document begins.
	File string
	Line int
	// Kind and Name say which object it holds, as far as known: both are empty for bmctl's header,
	// and Name for a name that no object of Kubernetes may have.
	Kind string
	Name string

	yaml *strictyaml.Document
}

// Position gives the line and column of a field, as in spec.nodes[3].address, or of its nearest
// ancestor that exists. A key with other characters than letters, digits, - and _ is in brackets, as
// in metadata.labels[example.com/rack]; [strictyaml.AppendKey] writes such paths.
func (d *Document) Position(path string) (line, column int) {
	if d.yaml == nil {
		return d.Line, min(d.Line, 1)
	}
	return d.yaml.Position(path)
}

// Has reports whether the document has the field. One that is there with no value, and may be so, is
// not there.
func (d *Document) Has(path string) bool {
	return d.yaml != nil && d.yaml.Has(path)
}
