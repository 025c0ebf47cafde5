package plural_test

import (
	"testing"

	"github.com/dualstrap/dualstrap/internal/plural"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 hosts", 1: "1 host", 2: "2 hosts", 1000: "1000 hosts"} {
		if got := plural.Of(n, "host"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
