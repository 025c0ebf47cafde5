package check

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// recordedHost is a host that gives the same answer to every script.
type recordedHost struct {
	remote.Reader
	answer remote.Answer
}

func (h recordedHost) Probe(context.Context, remote.Script) (remote.Answer, error) {
	return h.answer, nil
}

// FuzzEvaluate verifies that any answer of a host returns facts or an error, and that all facts can be evaluated.
func FuzzEvaluate(f *testing.F) {
	paths, err := filepath.Glob("../facts/testdata/hosts/*.txtar")
	if err != nil || len(paths) == 0 {
		f.Fatalf("there are no recordings: %v", err)
	}
	for _, path := range paths {
		recording, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(recording), int64(0))
	}
	f.Fuzz(func(t *testing.T, recording string, duration int64) {
		answer := remote.Answer{Values: map[string]remote.Value{}, Duration: time.Duration(duration)}
		// Package txtar could read these files, but panics on some malformed ones.
		for section := range strings.SplitSeq("\n"+recording, "\n-- ") {
			heading, output, _ := strings.Cut(section, " --\n")
			name, status, _ := strings.Cut(heading, " ")
			number, _ := strconv.Atoi(status)
			answer.Values[name] = remote.Value{Output: []byte(output), Status: number}
		}
		known, err := facts.Probe(t.Context(), recordedHost{answer: answer})
		if err != nil {
			return
		}
		s := newScene()
		s.first().Facts = known
		Evaluate(&s.cluster, s.hosts)
		PlanNetworkProbes(&s.cluster, s.hosts)
	})
}
