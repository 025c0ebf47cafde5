package remote_test

import (
	"log"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails if goroutines are left behind. All tests close their pools and servers.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := leftBehind(); code == 0 && left != "" {
		log.Fatalf("goroutines are left behind:\n%s", left)
	}
}

// leftBehind returns the stacks of goroutines that have not ended after a grace period.
func leftBehind() string {
	left := ""
	for range 100 {
		stacks := make([]byte, 4<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		left = ""
		for stack := range strings.SplitSeq(string(stacks), "\n\n") {
			ours := strings.Contains(stack, "hostprep/remote") || strings.Contains(stack, "x/crypto/ssh")
			if ours && !strings.Contains(stack, "leftBehind") {
				left += stack + "\n\n"
			}
		}
		if left == "" {
			return ""
		}
		time.Sleep(20 * time.Millisecond)
	}
	return left
}
