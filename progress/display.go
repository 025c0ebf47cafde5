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
	// redraw is the interval at which the lines on a terminal are updated.
	redraw = 250 * time.Millisecond
	// waitingAfter is how long a step may take before the display names it as waited for.
	waitingAfter = 15 * time.Second
	// waitingNames is the number of steps that are named; the others are counted.
	waitingNames = 3
)

// Display shows the steps of some work. Steps may run concurrently, each on a line of its own. Its methods are safe for
// concurrent use.
type Display struct {
	out io.Writer
	// width returns the number of columns of the terminal. It is nil if lines cannot be redrawn.
	width func() int
	// now is time.Now, except in tests.
	now func() time.Time

	// mu guards the fields below, and keeps writes to out apart.
	mu sync.Mutex
	// total is the number of steps, or zero if it is not known.
	total int
	// expected is the expected duration of the steps that have not ended.
	expected time.Duration
	// begun is the number of steps that have begun, including those that have ended.
	begun int
	// running holds the steps that have a line, in the order in which they began.
	running []*Step
	// awaited holds steps that are shown only if they take long.
	awaited []*Step
	// drawn is the number of lines on the terminal that the next redraw replaces.
	drawn int
	// printed is when the names of slow steps were last printed, if lines cannot be redrawn, and pause the time until
	// they are printed again. It doubles each time, so that a long wait does not fill a log.
	printed time.Time
	pause   time.Duration
	// stop ends keepDrawing, and stopped waits until it has ended.
	stop    chan struct{}
	stopped sync.WaitGroup
}

// Step is one piece of the work.
type Step struct {
	display *Display
	name    string
	// number is the step's position in the order of beginning, from 1.
	number  int
	started time.Time
	// expected is how long the step should take, or zero if that is not known.
	expected time.Duration
	// waiting is the name under which a slow step is shown as waited for. A step without one is not.
	waiting string
}

// New returns a display for a number of steps that are expected to take so long in total. Either is zero if it is not
// known. The caller must close the display.
func New(out io.Writer, steps int, expected time.Duration) *Display {
	d := &Display{out: out, total: steps, expected: expected, now: time.Now, stop: make(chan struct{})}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		d.width = func() int { return terminalWidth(file) }
	}
	d.stopped.Go(d.keepDrawing)
	return d
}

// terminalWidth returns the number of columns, or the traditional 80 if the terminal does not report it.
func terminalWidth(file *os.File) int {
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}

// Close stops redrawing, and removes the lines of steps that have not ended.
func (d *Display) Close() {
	close(d.stop)
	d.stopped.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running, d.awaited = nil, nil
	d.draw("")
}

// Note prints a line that is not redrawn.
func (d *Display) Note(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.width == nil {
		d.print(text + "\n")
	} else {
		d.draw(text + "\n")
	}
}

// Begin shows that a step begins, and how long it should take, which is zero if that is not known.
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

// Await shows that something is waited for, under this name, but only once it takes long. The caller calls done when
// the wait is over.
func (d *Display) Await(name string) (done func()) {
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

// Waiting sets the name under which the step is shown as waited for if it takes long.
func (s *Step) Waiting(name string) {
	s.display.mu.Lock()
	defer s.display.mu.Unlock()
	s.waiting = name
}

// End replaces the step's line with one that shows its outcome and duration.
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

// keepDrawing updates the display until stop is closed.
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
			d.printWaiting()
			d.mu.Unlock()
		}
	}
}

// draw prints text that stays, and below it the lines of running steps, in place of those of the last call. The caller
// holds mu.
func (d *Display) draw(stays string) {
	if d.width == nil {
		return
	}
	var text strings.Builder
	if d.drawn > 0 {
		fmt.Fprintf(&text, "\x1b[%dA", d.drawn)
	}
	text.WriteString("\r\x1b[J" + stays)
	// A line as wide as the terminal would wrap on some of them, and the next redraw would replace too few lines.
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

// waiting returns a line with the names of the steps that take long, those that wait longest first, or "" without any.
func (d *Display) waiting() string {
	var names []string
	for _, step := range slices.Concat(d.awaited, d.running) { // in the order of their beginning
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

// printWaiting prints the names of the steps that take long, if lines cannot be redrawn. The caller holds mu.
func (d *Display) printWaiting() {
	if d.width != nil {
		return
	}
	line := d.waiting()
	switch {
	case line == "":
		d.pause = 0
	case d.pause == 0 || d.now().Sub(d.printed) >= d.pause:
		d.printed, d.pause = d.now(), max(2*d.pause, waitingAfter)
		d.print(line + "\n")
	}
}

// line returns the line of a running step: its name, how long it has been running, and how long all steps will still
// take.
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

// print writes text. Errors are ignored, because the work must not fail if its progress cannot be shown.
func (d *Display) print(text string) { _, _ = io.WriteString(d.out, text) }

// count returns the step's number followed by a space, or "" if the number of steps is not known.
func (s *Step) count() string {
	if s.display.total == 0 {
		return ""
	}
	width := len(fmt.Sprint(s.display.total))
	return fmt.Sprintf("[%*d/%d] ", width, s.number, s.display.total)
}

// span formats a duration rounded to seconds: 8s, 2m05s.
func span(d time.Duration) string {
	seconds := int(d.Round(time.Second) / time.Second)
	if seconds < 60 {
		return fmt.Sprintf("%ds", seconds)
	}
	return fmt.Sprintf("%dm%02ds", seconds/60, seconds%60)
}
