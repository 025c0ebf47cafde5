package progress

import (
	"fmt"
	"io"
	"os"
	"slices"
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
	// size returns the number of columns and rows of the terminal. It is nil if lines cannot be redrawn.
	size func() (columns, rows int)
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
	// running holds the steps that have not ended, in the order in which they began.
	running []*Step
	// groups count the steps of each group, in the order in which the groups began.
	groups []*group
	// started is when the display was made.
	started time.Time
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
	// group counts the step among those like it; nil if it was not put into one.
	group *group
	// doing names the current action of the step; empty if that is not known.
	doing string
}

// group counts steps that are alike, such as one phase on many hosts.
type group struct {
	name string
	// of is the number of steps that the group will have, and ended the number of those that have ended.
	of, ended int
	// skipped is the number of steps that will not begin, although of counts them.
	skipped int
	// took holds how long the steps that have ended took, in ascending order.
	took []time.Duration
}

// New returns a display for a number of steps that are expected to take so long in total. Either is zero if it is not
// known. The caller must close the display.
func New(out io.Writer, steps int, expected time.Duration) *Display {
	d := &Display{out: out, total: steps, expected: expected, now: time.Now, stop: make(chan struct{})}
	d.started = d.now()
	if file, ok := out.(*os.File); ok && canRedraw(file) {
		d.size = func() (int, int) { return terminalSize(file) }
	}
	d.stopped.Go(d.keepDrawing)
	return d
}

// canRedraw reports whether a file is a terminal that understands escape sequences. TERM is "dumb" in the shells of
// editors and in consoles of CI services, which do not, and unset where there is no terminal at all.
func canRedraw(file *os.File) bool {
	kind := os.Getenv("TERM")
	return term.IsTerminal(int(file.Fd())) && kind != "" && kind != "dumb"
}

// terminalSize returns the number of columns and rows, or the traditional 80 and 24 if the terminal does not report
// them.
func terminalSize(file *os.File) (columns, rows int) {
	columns, rows, err := term.GetSize(int(file.Fd()))
	if err != nil || columns <= 0 || rows <= 0 {
		return 80, 24
	}
	return columns, rows
}

// Close stops redrawing, and removes the lines of steps that have not ended.
func (d *Display) Close() {
	close(d.stop)
	d.stopped.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running, d.awaited, d.groups = nil, nil, nil
	d.draw("")
}

// Note prints a line that is not redrawn.
func (d *Display) Note(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.size == nil {
		d.printPlain(text)
	} else {
		d.draw(text)
	}
}

// Begin shows that a step begins, and how long it should take, which is zero if that is not known.
func (d *Display) Begin(name string, expected time.Duration) *Step {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.begun++
	step := &Step{display: d, name: name, number: d.begun, started: d.now(), expected: expected}
	d.running = append(d.running, step)
	if d.size == nil {
		about := ""
		if expected > 0 {
			about = ", about " + span(expected)
		}
		d.printPlain(step.count() + name + about)
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

// Group puts the step into a group of that many steps that are alike. Groups are counted in a line for all steps, and
// steps without a line of their own are counted by group.
func (s *Step) Group(name string, of int) {
	d := s.display
	d.mu.Lock()
	defer d.mu.Unlock()
	s.group = d.group(name)
	s.group.of = of
}

// Skip counts a step of a group that will not begin.
func (d *Display) Skip(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.group(name).skipped++
}

// group returns the group of a name, which it adds if it is missing. The caller holds mu.
func (d *Display) group(name string) *group {
	at := slices.IndexFunc(d.groups, func(g *group) bool { return g.name == name })
	if at < 0 {
		at = len(d.groups)
		d.groups = append(d.groups, &group{name: name})
	}
	return d.groups[at]
}

// Doing sets the current action of the step, which its line on a terminal shows.
func (s *Step) Doing(action string) {
	s.display.mu.Lock()
	defer s.display.mu.Unlock()
	s.doing = action
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
	took := d.now().Sub(s.started)
	if g := s.group; g != nil {
		g.ended++
		at, _ := slices.BinarySearch(g.took, took)
		g.took = slices.Insert(g.took, at, took)
	}
	d.expected = max(d.expected-s.expected, 0)
	line := fmt.Sprintf("%s%s: %s in %s", s.count(), s.name, outcome, span(took))
	if d.size == nil {
		d.printPlain(line)
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

// printWaiting prints the names of the steps that take long, if lines cannot be redrawn. The caller holds mu.
func (d *Display) printWaiting() {
	if d.size != nil {
		return
	}
	line := d.waiting()
	switch {
	case line == "":
		d.pause = 0
	case d.pause == 0 || d.now().Sub(d.printed) >= d.pause:
		d.printed, d.pause = d.now(), max(2*d.pause, waitingAfter)
		d.printPlain(line)
	}
}

// printPlain prints a line that cannot be redrawn. It begins with the time of day: in a log, only that tells how long a
// step has been running.
func (d *Display) printPlain(line string) { d.print(d.now().Format(time.TimeOnly) + " " + line + "\n") }

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
