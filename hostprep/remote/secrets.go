package remote

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// Secrets are texts that must not be seen in a log or an error. The zero value has none.
type Secrets struct {
	mu     sync.RWMutex
	values []string // longest first: one may be part of another
}

// redacted stands for a secret.
const redacted = "[redacted]"

// minSecretLine is how long a line of a secret must be to be a secret of its own. Shorter ones, as
// the last of a PEM block, tell nothing and occur elsewhere.
const minSecretLine = 16

// Add registers a secret, and the lines of one that has several, since each may be printed alone.
func (s *Secrets) Add(secret string) {
	secret = strings.TrimSpace(secret)
	if secret == "" {
		return
	}
	values := []string{secret}
	if lines := strings.Split(secret, "\n"); len(lines) > 1 {
		for _, line := range lines {
			line = strings.TrimSpace(line)
			if len(line) >= minSecretLine && !strings.HasPrefix(line, "-----") {
				values = append(values, line)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values = append(s.values, values...)
	slices.SortFunc(s.values, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	s.values = slices.Compact(s.values)
}

// Redact replaces the secrets in a text.
func (s *Secrets) Redact(text string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, value := range s.values {
		text = strings.ReplaceAll(text, value, redacted)
	}
	return text
}

// longest is the length of the longest secret.
func (s *Secrets) longest() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.values) == 0 {
		return 0
	}
	return len(s.values[0])
}
