package workspace

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// logFile is a log file that remembers its first write error: slog discards the errors of its writer, so that a full disk
// would go unnoticed.
type logFile struct {
	file *os.File

	mu     sync.Mutex // guards failed
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

// Close closes the file. It returns the first error of any write, too.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := errors.Join(l.failed, l.file.Close()); err != nil {
		return fmt.Errorf("the log is incomplete: %w", err)
	}
	return nil
}
