package agent

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dualstrap/dualstrap/render/cni"
)

func TestWriteCNI(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i, step := range []struct {
		content string
		changed bool
	}{{"one", true}, {"one", false}, {"two", true}} {
		changed, err := writeCNI(dir, []byte(step.content))
		if changed != step.changed || err != nil {
			t.Errorf("step %d: changed %t, %v", i, changed, err)
		}
		content, err := os.ReadFile(filepath.Join(dir, cni.FileName))
		if string(content) != step.content || err != nil {
			t.Errorf("step %d: content is %q, %v", i, content, err)
		}
	}
	if entries, err := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("the directory has %v, %v", entries, err)
	}
	for range 2 {
		if err := removeCNI(dir); err != nil {
			t.Error(err)
		}
	}
	if _, err := writeCNI(filepath.Join(dir, "missing"), nil); err == nil {
		t.Error("wrote into a directory that is not there")
	}
}
