package remote

import (
	"errors"
	"io"
	"testing"
)

// endless is a reader without end.
type endless struct{}

// Read implements io.Reader.
func (endless) Read(data []byte) (int, error) { return len(data), nil }

// The memory that 64 hosts can fill is limited by the sum of their answers and of what is kept beside them.
func TestMemoryThatHostsCanFill(t *testing.T) {
	t.Parallel()
	const hosts, each = 64, 3 << 19
	sum := 0
	for range hosts {
		s := &session{}
		s.stdout.prefix = []byte("\n" + testMarker + " ")
		if err := s.stdout.readAll(endless{}); !errors.Is(err, errTooLong) {
			t.Fatalf("error %v", err)
		}
		if _, err := io.CopyN(&s.stderr, endless{}, 2<<20); err != nil {
			t.Fatal(err)
		}
		sum += cap(s.stdout.data) + cap(s.stderr.kept.head) + cap(s.stderr.kept.tail)
	}
	if sum > hosts*each {
		t.Errorf("%d hosts make this program keep %d bytes, more than %d", hosts, sum, hosts*each)
	}
}
