package strictyaml_test

import (
	"fmt"
	"testing"

	"github.com/dualstrap/dualstrap/api/strictyaml"
)

// widget has one field of every kind that manifests use.
type widget struct {
	Meta   `json:",inline"`
	Spec   spec              `json:"spec"`
	Labels map[string]string `json:"labels,omitempty"`
}

type Meta struct {
	Kind string `json:"kind,omitempty"`
}

type spec struct {
	Mode     string   `json:"mode,omitempty"`
	Version  string   `json:"version,omitempty" strict:"scalar"`
	Enabled  bool     `json:"enabled,omitempty"`
	Maybe    *bool    `json:"maybe,omitempty"`
	Count    int32    `json:"count,omitempty"`
	Port     uint16   `json:"port,omitempty"`
	Ratio    float64  `json:"ratio,omitempty"`
	Items    []string `json:"items"`
	Nodes    []node   `json:"nodes,omitempty"`
	Network  network  `json:"network,omitzero"`
	Override *network `json:"override,omitempty"`
	Since    stamp    `json:"since,omitempty"`
	Versions []string `json:"versions,omitempty" strict:"scalar"`
	Skipped  string   `json:"-"`
}

type node struct {
	Address string `json:"address"`
	Port    *int8  `json:"port,omitempty"`
}

type network struct {
	CIDRBlocks []string          `json:"cidrBlocks,omitempty"`
	Options    map[string]string `json:"options,omitempty"`
}

// stamp has its own decoding, with an error that quotes the input.
type stamp struct{ text string }

func (s *stamp) UnmarshalJSON(data []byte) error {
	if string(data) != `"now"` {
		return fmt.Errorf("bad stamp %s", data)
	}
	s.text = "now"
	return nil
}

func words() []string { return strictyaml.FieldNames(widget{}) }

// parseOne parses a text that holds one document.
func parseOne(tb testing.TB, text string) *strictyaml.Document {
	tb.Helper()
	docs, problems := strictyaml.Parse([]byte(text), strictyaml.Options{Words: words})
	if len(problems) > 0 || len(docs) != 1 {
		tb.Fatalf("Parse gives %d documents and %v, want one document", len(docs), problems)
	}
	return docs[0]
}

// decode decodes a text that holds one document, and returns its problems as text.
func decode(tb testing.TB, text string, rules ...strictyaml.Rule) (widget, []string) {
	tb.Helper()
	doc := parseOne(tb, text)
	var w widget
	if err := doc.Decode(&w, strictyaml.NewFields(rules...)); err != nil {
		tb.Fatal(err)
	}
	return w, format(doc.Problems())
}

// format formats problems as LINE:COLUMN RULE [PATH:] MESSAGE [(HINT)].
func format(problems []strictyaml.Problem) []string {
	var all []string
	for _, p := range problems {
		s := fmt.Sprintf("%d:%d %s ", p.Line, p.Column, p.Rule)
		if p.Path != "" {
			s += p.Path + ": "
		}
		s += p.Message
		if p.Hint != "" {
			s += " (" + p.Hint + ")"
		}
		all = append(all, s)
	}
	return all
}
