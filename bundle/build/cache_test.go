package build

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func TestCacheFillsOnce(t *testing.T) {
	t.Parallel()
	c := cache{dir: t.TempDir()}
	var fills atomic.Int32
	var builds sync.WaitGroup
	for range 8 { // each with its own lock, like another process
		builds.Go(func() {
			path, err := c.entry(t.Context(), "name", "key", func(dir string) error {
				fills.Add(1)
				return os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o644)
			})
			if err != nil {
				t.Error(err)
			}
			if content, err := os.ReadFile(filepath.Join(path, "file")); err != nil || string(content) != "content" {
				t.Errorf("content %q, %v", content, err)
			}
		})
	}
	builds.Wait()
	if fills.Load() != 1 {
		t.Errorf("filled %d times", fills.Load())
	}
}

func TestCacheKeepsNothingHalf(t *testing.T) {
	t.Parallel()
	c := cache{dir: t.TempDir()}
	// A leftover of a killed build.
	left := c.path("name", "key") + ".partial"
	if err := os.MkdirAll(filepath.Join(left, "half"), 0o755); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	if _, err := c.entry(t.Context(), "name", "key", func(string) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if c.has("name", "key") {
		t.Error("a failed build left an entry")
	}
	path, err := c.entry(t.Context(), "name", "key", func(string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(path); err != nil || len(entries) != 0 {
		t.Errorf("the entry has %v, %v of the killed build", entries, err)
	}
}

func TestWaitingForALockCanBeInterrupted(t *testing.T) {
	t.Parallel()
	c := cache{dir: t.TempDir()}
	unlock, err := c.lock(t.Context(), "name")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.lock(ctx, "name"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
