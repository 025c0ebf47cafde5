package progress

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

const (
	// redraw is how often the lines of a terminal are brought up to date.
	redraw = 250 * time.Millisecond
	// waitingAfter is how long a step may take before it is told what is waited for.
	waitingAfter = 15 * time.Second
	// waitingNames is how many of them are named.
	waitingNames = 3
)

// Display shows the steps of some work. Steps may run side by side, each has a line then.
type Display struct {
	out   io.Writer
	width func() int // nil where lines cannot be redrawn
	now   func() time.Time

	mu       sync.Mutex
	total    int
	expected time.Duration // of all steps that have not ended
	begun    int
	running  []*Step
	awaited  []*Step       // of which nothing is said unless they take long
	drawn    int           // lines on the terminal that the next redraw replaces
	told     time.Time     // when it was last told what is waited for, where lines cannot be redrawn
	pause    time.Duration // until it is told again: it doubles, so that a long run does not print for ever
	stop     chan struct{}
	stopped  sync.WaitGroup
}

// Step is one piece of the work.
type Step struct {
	display  *Display
	name     string
	number   int
	started  time.Time
	expected time.Duration
	// waiting is how it is called when it takes long; empty where nobody is told.
	waiting string
}

// New makes a display for a number of steps, zero if nobody knows how many, that are expected to take so long in all, zero if nobody
// knows. It has to be closed.
func New(out io.Writer, steps int, expected time.Duration) *Display {
	d := &Display{out: out, total: steps, expected: expected, now: time.Now, stop: make(chan struct{})}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		d.width = func() int { return terminalWidth(file) }
	}
	d.stopped.Go(d.keepDrawing)
	return d
}

func terminalWidth(file *os.File) int {
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}

// Close removes the lines of steps that have not ended.
func (d *Display) Close() {
	close(d.stop)
	d.stopped.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running, d.awaited = nil, nil
	d.draw("")
}

// Note prints a line that stays.
func (d *Display) Note(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.width == nil {
		d.print(text + "\n")
	} else {
		d.draw(text + "\n")
	}
}

// Begin says that a step begins, and how long it should take, zero if nobody knows.
func (d *Display) Begin(name string, expected time.Duration) *Step {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.begun++
	step := &Step{display: d, name: name, number: d.begun, started: d.now(), expected: expected}
	d.running = append(d.running, step)
	if d.width == nil {
		about := ""
		if expected > 0 {
			about = ", about " + span(expected)
		}
		d.print(fmt.Sprintf("%s%s%s\n", step.count(), name, about))
	} else {
		d.draw("")
	}
	return step
}

// Await has people be told that something is waited for, under this name, when it takes long, and nothing before. The
// function says that it has come.
func (d *Display) Await(name string) (come func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	step := &Step{display: d, waiting: name, started: d.now()}
	d.awaited = append(d.awaited, step)
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.awaited = slices.DeleteFunc(d.awaited, func(other *Step) bool { return other == step })
	}
}

// Waiting has people be told that the step is still waited for, under this name, when it takes long.
func (s *Step) Waiting(name string) {
	s.display.mu.Lock()
	defer s.display.mu.Unlock()
	s.waiting = name
}

// End says how a step ended.
func (s *Step) End(outcome string) {
	d := s.display
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, step := range d.running {
		if step == s {
			d.running = append(d.running[:i], d.running[i+1:]...)
			break
		}
	}
	d.expected = max(d.expected-s.expected, 0)
	line := fmt.Sprintf("%s%s: %s in %s\n", s.count(), s.name, outcome, span(d.now().Sub(s.started)))
	if d.width == nil {
		d.print(line)
	} else {
		d.draw(line)
	}
}

func (d *Display) keepDrawing() {
	ticks := time.NewTicker(redraw)
	defer ticks.Stop()
	for {
		select {
		case <-d.stop:
			return
		case <-ticks.C:
			d.mu.Lock()
			d.draw("")
			d.tellWaiting()
			d.mu.Unlock()
		}
	}
}

// draw replaces the lines of running steps, below a line that stays.
func (d *Display) draw(stays string) {
	if d.width == nil {
		return
	}
	var text strings.Builder
	if d.drawn > 0 {
		fmt.Fprintf(&text, "\x1b[%dA", d.drawn)
	}
	text.WriteString("\r\x1b[J" + stays)
	width := d.width()
	for _, step := range d.running {
		line := []rune(d.line(step))
		text.WriteString(string(line[:min(len(line), width-1)]) + "\n")
	}
	d.drawn = len(d.running)
	if line := []rune(d.waiting()); len(line) > 0 {
		text.WriteString(string(line[:min(len(line), width-1)]) + "\n")
		d.drawn++
	}
	d.print(text.String())
}

// waiting says which steps take long, the longest first; it is empty when none does.
func (d *Display) waiting() string {
	var names []string
	for _, step := range slices.Concat(d.awaited, d.running) { // in the order in which they began
		if step.waiting != "" && d.now().Sub(step.started) >= waitingAfter {
			names = append(names, step.waiting)
		}
	}
	if len(names) == 0 {
		return ""
	}
	more := ""
	if left := len(names) - waitingNames; left > 0 {
		names, more = names[:waitingNames], fmt.Sprintf(" and %d more", left)
	}
	return "still waiting for " + strings.Join(names, ", ") + more
}

// tellWaiting prints what is waited for where lines cannot be redrawn.
func (d *Display) tellWaiting() {
	if d.width != nil {
		return
	}
	line := d.waiting()
	switch {
	case line == "":
		d.pause = 0
	case d.pause == 0 || d.now().Sub(d.told) >= d.pause:
		d.told, d.pause = d.now(), max(2*d.pause, waitingAfter)
		d.print(line + "\n")
	}
}

// line is a running step's: what, for how long, and when all will be done.
func (d *Display) line(step *Step) string {
	elapsed := d.now().Sub(step.started)
	line := fmt.Sprintf("%s%s  %s", step.count(), step.name, span(elapsed))
	if step.expected > 0 {
		line += " of about " + span(step.expected)
	}
	if left := d.expected - min(elapsed, step.expected); d.expected > 0 && left > 0 {
		line += ", " + span(left) + " left in all"
	}
	return line
}

// print writes; where progress cannot be shown, the work goes on.
func (d *Display) print(text string) { _, _ = io.WriteString(d.out, text) }

// count is the step's number, with a space behind it; nothing when nobody knows how many there are.
func (s *Step) count() string {
	if s.display.total == 0 {
		return ""
	}
	width := len(fmt.Sprint(s.display.total))
	return fmt.Sprintf("[%*d/%d] ", width, s.number, s.display.total)
}

// span writes a duration for a person: 8s, 2m05s.
func span(d time.Duration) string {
	seconds := int(d.Round(time.Second) / time.Second)
	if seconds < 60 {
		return fmt.Sprintf("%ds", seconds)
	}
	return fmt.Sprintf("%dm%02ds", seconds/60, seconds%60)
}
