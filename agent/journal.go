package agent

import (
	"log/slog"
	"sync"
)

// outcomeLog logs changes: what was changed, what has begun to fail and what works again. A failure that
// stays the same is logged once, not every round.
type outcomeLog struct {
	log     *slog.Logger
	mu      sync.Mutex
	failing map[string]string // parts and why
}

func newJournal(log *slog.Logger) *outcomeLog {
	return &outcomeLog{log: log, failing: map[string]string{}}
}

func (j *outcomeLog) note(outcomes ...outcome) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, o := range outcomes {
		if o.changed > 0 {
			j.log.Info("changed", "part", o.part, "changes", o.changed)
		}
		before, failed := j.failing[o.part]
		switch {
		case o.err != nil && o.err.Error() != before:
			j.log.Warn("failing", "part", o.part, "error", o.err)
			j.failing[o.part] = o.err.Error()
		case o.err == nil && failed:
			j.log.Info("works again", "part", o.part)
			delete(j.failing, o.part)
		}
	}
}
