package api

import (
	"reflect"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dualstrap/dualstrap/api/strictyaml"
)

// TestFieldTables parses every field of the tables, each in a document of its own.
func TestFieldTables(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		for _, rule := range k.fields() {
			if strings.Contains(rule.Path, "*") {
				rule.Path = strings.ReplaceAll(rule.Path, "*", "any")
			}
			_, problems := Parse([]Source{{Name: "-", Data: []byte(documentWith(k, rule.Path))}})
			if len(problems) != 1 {
				t.Errorf("%s %s gives %v", k.name, rule.Path, problems)
				continue
			}
			p, severity := problems[0], SeverityWarning
			if rule.Disposition == strictyaml.Refused {
				severity = SeverityError
			}
			if p.Severity != severity || p.Path != rule.Path || !strings.HasSuffix(p.Message, rule.Reason) || p.Line == 0 {
				t.Errorf("%s %s gives %+v", k.name, rule.Path, p)
			}
		}
	}
}

// documentWith returns a document of a kind with one field, at the levels that its path names.
func documentWith(k kind, path string) string {
	text := ""
	if k.name != "" {
		text = "apiVersion: " + k.apiVersion + "\nkind: " + k.name + "\n"
	}
	indent := ""
	for name := range strings.SplitSeq(path, ".") {
		text += indent + name + ":\n"
		indent += "  "
	}
	return text + indent + "any: thing\n"
}

// TestFieldTablesAreInOrder checks that the tables have no unreachable fields and no empty reasons.
func TestFieldTablesAreInOrder(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		seen := map[string]bool{}
		for _, rule := range k.fields() {
			if seen[rule.Path] {
				t.Errorf("%s %s is there twice", k.name, rule.Path)
			}
			seen[rule.Path] = true
			if rule.Reason == "" || strings.HasSuffix(rule.Reason, ".") || strings.Contains(rule.Reason, "\n") {
				t.Errorf("%s %s has the reason %q", k.name, rule.Path, rule.Reason)
			}
		}
	}
	for name, reason := range refusedKinds() {
		if !isKindName(name) || reason == "" {
			t.Errorf("%q is refused because %q", name, reason)
		}
	}
}

// TestObjectFieldsCoverMetadata checks that every field of metadata is either decoded or in the table.
func TestObjectFieldsCoverMetadata(t *testing.T) {
	t.Parallel()
	covered := map[string]bool{"name": true, "namespace": true, "labels": true, "annotations": true}
	for _, rule := range objectFields() {
		covered[strings.TrimPrefix(rule.Path, "metadata.")] = true
	}
	meta := reflect.TypeFor[metav1.ObjectMeta]()
	for i := range meta.NumField() {
		name, _, _ := strings.Cut(meta.Field(i).Tag.Get("json"), ",")
		if !covered[name] {
			t.Errorf("metadata.%s is neither read nor ignored nor refused", name)
		}
	}
}

// TestIgnoredFieldsOfPools checks that a field which is ignored in many items causes one warning.
func TestIgnoredFieldsOfPools(t *testing.T) {
	t.Parallel()
	doc := "apiVersion: baremetal.cluster.gke.io/v1\nkind: NodePool\nmetadata: {uid: a}\n"
	_, problems := Parse([]Source{{Name: "-", Data: []byte(doc + "---\n" + doc)}})
	if len(problems) != 2 || problems.HasErrors() {
		t.Errorf("one ignored field in two documents gives %v", problems)
	}
}
