package agent

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestOutcomeLogLogsTransitionsOnly checks that what stays the same is not logged again.
func TestOutcomeLogLogsTransitionsOnly(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	j := newOutcomeLog(slog.New(slog.NewTextHandler(&log, nil)))
	why, other := errors.New("why"), errors.New("other")
	for i, step := range []struct {
		outcome outcome
		lines   int
	}{
		{outcome{part: "a"}, 0},
		{outcome{part: "a", changed: 2}, 1},
		{outcome{part: "a", err: why}, 2},
		{outcome{part: "a", err: why}, 2},
		{outcome{part: "b", err: why}, 3},
		{outcome{part: "a", err: other}, 4},
		{outcome{part: "a"}, 5},
		{outcome{part: "a"}, 5},
		{outcome{part: "a", err: other}, 6},
	} {
		j.note(step.outcome)
		if lines := strings.Count(log.String(), "\n"); lines != step.lines {
			t.Errorf("step %d: %d lines, want %d:\n%s", i, lines, step.lines, log.String())
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	h := newHealth()
	if h.ready() == nil || h.alive() != nil {
		t.Errorf("before the first round: ready %v, alive %v", h.ready(), h.alive())
	}
	if !h.record([]outcome{{part: "a"}, {part: "b", changed: 1}}, time.Second) || h.ready() != nil {
		t.Errorf("after a good round: %v", h.ready())
	}
	if h.record([]outcome{{part: "a"}, {part: "b", err: errors.New("why")}}, time.Second) {
		t.Error("a failure counts as none")
	}
	if got := strings.Join(h.ready(), "; "); got != "b: why" {
		t.Errorf("ready says %q", got)
	}
	h.last = h.last.Add(-stuckAfter - time.Second)
	if h.alive() == nil {
		t.Error("alive without rounds")
	}
}
