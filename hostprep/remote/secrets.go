package remote

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// Secrets holds texts that must not appear in a log or an error. The zero value is empty and ready to use. It is safe for
// concurrent use.
type Secrets struct {
	mu     sync.RWMutex
	values []string // longest first, since one may contain another
}

// redacted replaces a secret.
const redacted = "[redacted]"

// minSecretLine is the minimum length, in bytes, of a line of a secret to count as a secret of its own. Shorter lines, as
// the last one of a PEM block, reveal nothing and occur elsewhere.
const minSecretLine = 16

// Add registers a secret and each line of it, since lines may be printed alone. It ignores blank secrets.
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

// Redact returns text with all secrets replaced.
func (s *Secrets) Redact(text string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, value := range s.values {
		text = strings.ReplaceAll(text, value, redacted)
	}
	return text
}

// longest returns the length in bytes of the longest secret.
func (s *Secrets) longest() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.values) == 0 {
		return 0
	}
	return len(s.values[0])
}
