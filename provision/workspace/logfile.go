package workspace

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// logFile is a log that knows when it is not whole: loggers tell nobody that a disk is full.
type logFile struct {
	file *os.File

	mu     sync.Mutex
	failed error
}

// Write implements io.Writer.
func (l *logFile) Write(data []byte) (int, error) {
	n, err := l.file.Write(data)
	if err != nil {
		l.mu.Lock()
		if l.failed == nil {
			l.failed = err
		}
		l.mu.Unlock()
	}
	return n, err
}

// Close ends it, and tells what first went wrong.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := errors.Join(l.failed, l.file.Close()); err != nil {
		return fmt.Errorf("the log is not whole: %w", err)
	}
	return nil
}
