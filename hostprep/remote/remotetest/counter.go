package remotetest

import "sync"

// counter counts the open sessions of a connection.
type counter struct {
	mu   sync.Mutex
	open int
}

// take adds one, unless that exceeds limit; 0 means unlimited. It reports whether it did.
func (c *counter) take(limit int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if limit > 0 && c.open >= limit {
		return false
	}
	c.open++
	return true
}

// give subtracts one.
func (c *counter) give() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
}
