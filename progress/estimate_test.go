package progress

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// run is a display in which steps of phases begin and end at times that the test sets.
type run struct {
	*Display
	clock *clock
	steps map[string]*Step
	of    map[string]int
}

func newRun(of map[string]int) *run {
	time0 := &clock{at: time.Unix(0, 0)}
	d := &Display{now: time0.now, out: &bytes.Buffer{}, size: func() (int, int) { return 80, 24 }, started: time0.at}
	return &run{Display: d, clock: time0, steps: map[string]*Step{}, of: of}
}

// at sets the clock to so many seconds after the start.
func (r *run) at(second int) *run {
	r.clock.at = time.Unix(int64(second), 0)
	return r
}

// begin begins steps such as "10.2.0.4 prepare".
func (r *run) begin(names ...string) *run {
	for _, name := range names {
		_, phase, _ := strings.Cut(name, " ")
		r.steps[name] = r.Begin(name, 0)
		r.steps[name].Group(phase, r.of[phase])
	}
	return r
}

func (r *run) end(names ...string) *run {
	for _, name := range names {
		r.steps[name].End("changed")
	}
	return r
}

// TestEstimate checks that the line for all steps says what is left where steps of the same phase have shown how long one
// takes, and nothing where they have not.
func TestEstimate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		run  *run
		want string
	}{
		"nothing has ended": {
			newRun(map[string]int{"prepare": 4}).begin("a prepare", "b prepare").at(10),
			"prepare 0/4  10s",
		},
		"two at once": { // 20 s more for each that runs, 60 s for each of two more
			newRun(map[string]int{"prepare": 5}).begin("a prepare").at(60).end("a prepare").begin("b prepare", "c prepare").at(100),
			"prepare 1/5 (about 1m20s left)  1m40s",
		},
		"the last one runs longer than all others": {
			newRun(map[string]int{"prepare": 3}).begin("a prepare", "b prepare", "c prepare").at(61).end("a prepare", "b prepare"),
			"",
		},
		"few have ended": { // those that run may take much longer
			newRun(map[string]int{"prepare": 5}).begin("a prepare", "b prepare", "c prepare").at(60).end("a prepare").at(65),
			"prepare 1/5  1m05s",
		},
		"most have ended": { // c takes no one knows how long; d and e take 60 s each, and two of c, d and e run at once
			newRun(map[string]int{"prepare": 5}).begin("a prepare", "b prepare", "c prepare").at(60).end("a prepare", "b prepare").
				begin("d prepare").at(70),
			"prepare 2/5 (about 1m00s left)  1m10s",
		},
		"one runs": {
			newRun(map[string]int{"reset": 4}).begin("a reset").at(61).end("a reset").begin("b reset").at(70),
			"reset 1/4 (about 3m left)  1m10s",
		},
		"the last one runs": {
			newRun(map[string]int{"reset": 2}).begin("a reset").at(61).end("a reset").begin("b reset").at(70),
			"reset 1/2 (about 1m00s left)  1m10s",
		},
		"most had nothing to do": { // the running ones take longer than that
			newRun(map[string]int{"prepare": 5}).begin("a prepare", "b prepare", "c prepare", "d prepare").at(2).
				end("a prepare", "b prepare").at(30),
			"prepare 2/5  30s",
		},
		"most had nothing to do, but one": { // c took 40 s, so d takes 10 s more; e takes the median of 2 s, 2 s and 40 s
			newRun(map[string]int{"prepare": 5}).begin("a prepare", "b prepare", "c prepare").at(2).end("a prepare", "b prepare").
				at(10).begin("d prepare").at(40).end("c prepare"),
			"prepare 3/5 (about 20s left)  40s",
		},
		"a later phase has none": { // its steps may wait for the first one
			newRun(map[string]int{"prepare": 3, "join": 3}).begin("a prepare", "b prepare").at(30).end("a prepare").
				begin("a join").at(40).end("a join").begin("c prepare").at(50),
			"prepare 1/3 (about 20s left), join 1/3  50s",
		},
		"the first phase has ended": {
			newRun(map[string]int{"prepare": 2, "join": 2}).begin("a prepare", "b prepare").at(30).end("a prepare", "b prepare").
				begin("a join").at(50).end("a join").begin("b join").at(60),
			"join 1/2 (about 10s left)  1m00s",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tt.run.overall(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestSkippedSteps checks that steps that will not begin are not counted.
func TestSkippedSteps(t *testing.T) {
	t.Parallel()
	r := newRun(map[string]int{"prepare": 4, "join": 4})
	r.Skip("join") // before its first step
	r.begin("a prepare", "b prepare")
	r.Skip("prepare")
	if got, want := r.at(10).overall(), "prepare 0/3  10s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	r.begin("c prepare").at(20).end("a prepare", "b prepare", "c prepare").begin("a join", "b join")
	if got, want := r.overall(), "join 0/3  20s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestAbout checks that an estimate is never more precise than it can be.
func TestAbout(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[int]string{1: "10s", 10: "10s", 11: "20s", 61: "1m10s", 119: "2m", 120: "2m", 121: "3m", 3601: "61m"} {
		if got := about(time.Duration(seconds) * time.Second); got != fmt.Sprintf("about %s left", want) {
			t.Errorf("%d s: %s, want about %s left", seconds, got, want)
		}
	}
}

// TestEstimateOnATerminal checks what a terminal shows of a phase of many hosts: of each that runs the current step, and
// how many have ended, with an estimate.
func TestEstimateOnATerminal(t *testing.T) {
	t.Parallel()
	r := newRun(map[string]int{"prepare": 30})
	var hosts []string
	for i := range 23 {
		hosts = append(hosts, fmt.Sprintf("10.2.1.%d prepare", i))
	}
	r.begin(hosts[:15]...).at(60).end(hosts[:8]...).begin(hosts[15:]...).at(65)
	r.steps[hosts[8]].Doing("import image kube-apiserver (5 of 13 done)")
	var out bytes.Buffer
	r.out, r.drawn, r.size = &out, 0, func() (int, int) { return 80, 12 }
	r.draw("")
	s := newScreen(12)
	s.feed(t, out.String())
	if got, want := s.rows[0], "10.2.1.8 prepare  1m05s  import image kube-apiserver (5 of 13 done)"; got != want {
		t.Errorf("the first line is %q, want %q", got, want)
	}
	// 7 run longer than those that have ended, 8 take 55 s more, and 7 more take 60 s.
	if got, want := s.rows[s.row-1], "prepare 8/30 (about 1m00s left)  1m05s"; got != want {
		t.Errorf("the last line is %q, want %q", got, want)
	}
}
