package remotetest

import "sync"

// counter counts what is open.
type counter struct {
	mu   sync.Mutex
	open int
}

func (c *counter) take(limit int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if limit > 0 && c.open >= limit {
		return false
	}
	c.open++
	return true
}

func (c *counter) give() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
}
