package planview

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/internal/goldentest"
)

func TestTextGolden(t *testing.T) {
	t.Parallel()
	for name, f := range fixtures(t) {
		if len(f.plan.Nodes) > 20 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := Text(&out, f.cfg, f.plan, false); err != nil {
				t.Fatal(err)
			}
			goldentest.Compare(t, "testdata/"+name+".txt", out.Bytes())
		})
	}
}

func TestTextHasARowForEveryNode(t *testing.T) {
	t.Parallel()
	f := fixtures(t)["nodes-5000"]
	var out bytes.Buffer
	if err := Text(&out, f.cfg, f.plan, false); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	rows := 0
	for _, line := range lines {
		if strings.HasPrefix(line, "10.4.") {
			rows++
		}
		if strings.HasSuffix(line, " ") {
			t.Fatalf("trailing space: %q", line)
		}
	}
	if rows != 5000 {
		t.Errorf("%d rows of nodes, want 5000", rows)
	}
}

func TestTextColorIsOnlyPaint(t *testing.T) {
	t.Parallel()
	f := fixtures(t)["per-node"]
	var plain, painted bytes.Buffer
	if err := Text(&plain, f.cfg, f.plan, false); err != nil {
		t.Fatal(err)
	}
	if err := Text(&painted, f.cfg, f.plan, true); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plain.String(), "\x1b") {
		t.Error("colour that nobody asked for")
	}
	if !strings.Contains(painted.String(), "\x1b[31m0\x1b[0m") {
		t.Error("the exhausted range is not red")
	}
	stripped := strings.NewReplacer("\x1b[1m", "", "\x1b[31m", "", "\x1b[0m", "").Replace(painted.String())
	if diff := cmp.Diff(plain.String(), stripped); diff != "" {
		t.Errorf("colour changes the layout (-plain +painted):\n%s", diff)
	}
}

// brokenPipe is a reader that went away.
type brokenPipe struct{ error }

func (b brokenPipe) Write([]byte) (int, error) { return 0, b.error }

func TestWriteErrorsAreReturned(t *testing.T) {
	t.Parallel()
	f := fixtures(t)["dual-stack"]
	gone := errors.New("broken pipe")
	if err := Text(brokenPipe{gone}, f.cfg, f.plan, false); !errors.Is(err, gone) {
		t.Errorf("Text: %v, want %v", err, gone)
	}
}
