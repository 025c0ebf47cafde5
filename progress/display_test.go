package progress

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clock is a clock that the test sets.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func TestPlainLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	time0 := &clock{at: time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)}
	d := New(&out, 12, 3*time.Minute)
	d.now = time0.now
	first := d.Begin("kubelet v1.36.3", 2*time.Minute)
	second := d.Begin("pause", 0)
	time0.at = time0.at.Add(125 * time.Second)
	second.End("failed")
	first.End("built")
	d.Close()
	want := "01:00:00 [ 1/12] kubelet v1.36.3, about 2m00s\n01:00:00 [ 2/12] pause\n" +
		"01:02:05 [ 2/12] pause: failed in 2m05s\n01:02:05 [ 1/12] kubelet v1.36.3: built in 2m05s\n"
	if out.String() != want {
		t.Errorf("printed:\n%swant:\n%s", out.String(), want)
	}
}

func TestLineOfARunningStep(t *testing.T) {
	t.Parallel()
	time0 := &clock{at: time.Unix(0, 0)}
	d := &Display{total: 3, expected: 5 * time.Minute, now: time0.now, out: &bytes.Buffer{}}
	step := d.Begin("kubelet", 2*time.Minute)
	time0.at = time0.at.Add(70 * time.Second)
	if got, want := d.line(step), "[1/3] kubelet  1m10s of about 2m00s, 3m50s left in all"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	time0.at = time0.at.Add(time.Hour) // late: the remaining time is that of the other steps
	if got, want := d.line(step), "[1/3] kubelet  61m10s of about 2m00s, 3m00s left in all"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestWaiting checks that steps that take long are named, with growing pauses where lines cannot be redrawn.
func TestWaiting(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	time0 := &clock{at: time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)}
	d := &Display{now: time0.now, out: &out}
	hosts := []string{"10.2.0.4", "10.2.0.5", "10.2.0.6", "10.2.0.7", "10.2.0.8"}
	var steps []*Step
	for _, host := range hosts {
		steps = append(steps, d.Begin(host+" probe", 0))
		steps[len(steps)-1].Waiting(host + ": probe")
	}
	d.Begin("a build that may take long", 0)
	out.Reset()
	var printed []string
	for second := 1; second <= 100; second++ {
		time0.at = time0.at.Add(time.Second)
		if second == 20 {
			steps[0].End("done")
			out.Reset()
		}
		if second == 50 {
			steps[1].End("done")
			steps[2].End("done")
			out.Reset()
		}
		if d.printWaiting(); out.Len() > 0 {
			printed = append(printed, fmt.Sprintf("%d %s", second, strings.TrimSpace(out.String())))
			out.Reset()
		}
	}
	done := d.Await("10.2.0.9: lock")
	time0.at = time0.at.Add(waitingAfter)
	if got := d.waiting(); got != "still waiting for 10.2.0.9: lock, 10.2.0.7: probe, 10.2.0.8: probe" {
		t.Errorf("%q", got)
	}
	done()
	if got := d.waiting(); got != "still waiting for 10.2.0.7: probe, 10.2.0.8: probe" {
		t.Errorf("%q", got)
	}
	want := []string{
		"15 01:00:15 still waiting for 10.2.0.4: probe, 10.2.0.5: probe, 10.2.0.6: probe and 2 more",
		"30 01:00:30 still waiting for 10.2.0.5: probe, 10.2.0.6: probe, 10.2.0.7: probe and 1 more",
		"60 01:01:00 still waiting for 10.2.0.7: probe, 10.2.0.8: probe",
	}
	if diff := cmp.Diff(want, printed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestWaitingOnATerminal checks that a line below the steps names those that take long, and disappears with them.
func TestWaitingOnATerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	time0 := &clock{at: time.Unix(0, 0)}
	d := &Display{now: time0.now, out: &out, size: func() (int, int) { return 80, 24 }}
	step := d.Begin("10.2.0.4 probe", 0)
	step.Waiting("10.2.0.4: probe")
	time0.at = time0.at.Add(waitingAfter)
	out.Reset()
	d.draw("")
	if want := "\x1b[1A\r\x1b[2K10.2.0.4 probe  15s\n\x1b[2Kstill waiting for 10.2.0.4: probe\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	out.Reset()
	step.End("done")
	if want := "\x1b[2A\r\x1b[2K10.2.0.4 probe: done in 15s\n\x1b[2K\n\x1b[1A"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
