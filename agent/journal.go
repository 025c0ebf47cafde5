package agent

import (
	"log/slog"
	"sync"
)

// outcomeLog logs transitions: what was changed, what has begun to fail and what works again. A failure that stays the
// same is logged once, not in every round. It is safe for concurrent use.
type outcomeLog struct {
	log     *slog.Logger
	mu      sync.Mutex        // guards failing
	failing map[string]string // error texts by part
}

// newOutcomeLog returns an outcomeLog for which every part has worked so far.
func newOutcomeLog(log *slog.Logger) *outcomeLog {
	return &outcomeLog{log: log, failing: map[string]string{}}
}

// note logs the outcomes that differ from the previous ones of the same part.
func (l *outcomeLog) note(outcomes ...outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range outcomes {
		if o.changed > 0 {
			l.log.Info("changed", "part", o.part, "changes", o.changed)
		}
		before, failed := l.failing[o.part]
		switch {
		case o.err != nil && o.err.Error() != before:
			l.log.Warn("failing", "part", o.part, "error", o.err)
			l.failing[o.part] = o.err.Error()
		case o.err == nil && failed:
			l.log.Info("works again", "part", o.part)
			delete(l.failing, o.part)
		}
	}
}
