package api_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/dualstrap/dualstrap/api"
)

// TestParseAgreesWithKubernetes decodes every document of the valid manifests with the decoder of Kubernetes too,
// and compares the results.
func TestParseAgreesWithKubernetes(t *testing.T) {
	t.Parallel()
	var files []string
	for _, pattern := range []string{"testdata/valid/*.yaml", "testdata/valid/*/*.yaml", "testdata/parse/*.yaml", "../examples/*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	compared := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		data = bytes.ReplaceAll(bytes.TrimPrefix(data, []byte("\ufeff")), []byte("\r\n"), []byte("\n"))
		for _, doc := range bytes.Split(data, []byte("\n---\n")) {
			m, problems := api.Parse([]api.Source{{Name: file, Data: doc}})
			if len(problems) > 0 {
				continue
			}
			compared += compareAll(t, file, doc, m)
		}
	}
	if compared < 50 {
		t.Errorf("only %d documents of %d files were compared", compared, len(files))
	}
}

// compareAll compares all objects of a document, and returns their number.
func compareAll(t *testing.T, file string, doc []byte, m *api.Manifests) int {
	t.Helper()
	return compare(t, file, doc, m.Header) + compare(t, file, doc, m.Namespaces) + compare(t, file, doc, m.Clusters) +
		compare(t, file, doc, m.NodePools) + compare(t, file, doc, m.ClusterCIDRConfigs) + compare(t, file, doc, m.Options)
}

func compare[T any](t *testing.T, file string, doc []byte, got []api.Object[T]) int {
	t.Helper()
	for _, o := range got {
		var want T
		if err := yaml.UnmarshalStrict(doc, &want); err != nil {
			// Kubernetes reads bare versions as numbers.
			t.Logf("%s:%d: %v", file, o.Doc.Line, err)
			return 0
		}
		if diff := cmp.Diff(want, o.Value); diff != "" {
			t.Errorf("%s, %s %s (-Kubernetes +got):\n%s", file, o.Doc.Kind, o.Doc.Name, diff)
		}
	}
	return len(got)
}
