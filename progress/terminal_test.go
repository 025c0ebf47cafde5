package progress

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal returns both ends of a pseudoterminal of 24 rows.
func terminal(t *testing.T, columns uint16) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	return master, slave
}

// screen is a terminal that understands what a display writes: text, new lines, moving up, and erasing a line.
type screen struct {
	rows []string
	row  int
	// scrolled is the number of lines that have left the screen at its top.
	scrolled int
}

func newScreen(rows int) *screen { return &screen{rows: make([]string, rows)} }

// feed shows what was written to a pseudoterminal. It fails the test for what it does not understand.
func (s *screen) feed(t *testing.T, text string) {
	t.Helper()
	sequence := regexp.MustCompile(`^\x1b\[([0-9]*)([A-Z])`)
	for text != "" {
		if match := sequence.FindStringSubmatch(text); match != nil {
			text = text[len(match[0]):]
			switch match[2] {
			case "A":
				count, _ := strconv.Atoi(match[1])
				s.row = max(s.row-count, 0)
			case "K":
				s.rows[s.row] = ""
			default:
				t.Fatalf("unexpected escape sequence %q", match[0])
			}
			continue
		}
		switch text[0] {
		case '\r':
		case '\n':
			if s.row++; s.row == len(s.rows) {
				s.row--
				s.scrolled++
				s.rows = append(s.rows[1:], "")
			}
		case '\x1b':
			t.Fatalf("unexpected escape sequence in %q", text[:min(len(text), 10)])
		default:
			s.rows[s.row] += text[:1]
		}
		text = text[1:]
	}
}

// TestManyHostsOnATerminal runs more steps than the terminal has rows. Nothing scrolls away but the lines of steps that
// have ended, and what is shown fits.
func TestManyHostsOnATerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	master, slave := terminal(t, 80)
	written := make(chan string)
	go func() {
		data, _ := io.ReadAll(master) // reading fails when the other end is closed
		written <- string(data)
	}()
	d := New(slave, 0, 0)
	steps := make([]*Step, 200)
	for i := range steps {
		steps[i] = d.Begin(fmt.Sprintf("10.2.1.%d prepare", i), 0)
		steps[i].Group("prepare", len(steps))
		steps[i].Doing("import image kube-apiserver")
	}
	d.mu.Lock()
	for range 20 { // as the ticker does
		d.draw("")
	}
	lines := d.lines(24)
	d.mu.Unlock()
	for _, step := range steps[:30] {
		step.End("changed")
	}
	if err := slave.Close(); err != nil {
		t.Error(err)
	}
	text := <-written
	s := newScreen(24)
	before, after, found := strings.Cut(text, "10.2.1.0 prepare: changed")
	if !found {
		t.Fatalf("no step has ended in %q", text)
	}
	s.feed(t, before)
	if s.scrolled != 0 {
		t.Errorf("%d lines scrolled away while nothing ended", s.scrolled)
	}
	s.feed(t, "10.2.1.0 prepare: changed"+after)
	if s.scrolled > 30 {
		t.Errorf("%d lines scrolled away, of 30 steps that ended", s.scrolled)
	}
	if len(lines) != 22 || lines[0] != "10.2.1.0 prepare  0s  import image kube-apiserver" {
		t.Errorf("%d lines:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	if got, want := lines[20:], []string{"and 180 more: 180 prepare", "prepare 0/200  0s"}; strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("the last lines are %q, want %q", got, want)
	}
	last := s.rows[s.row-1]
	if !strings.HasPrefix(last, "prepare 30/200") {
		t.Errorf("the last line is %q in\n%s", last, strings.Join(s.rows, "\n"))
	}
}

// TestTinyTerminals checks that a display never has more lines than fit above the cursor.
func TestTinyTerminals(t *testing.T) {
	t.Parallel()
	time0 := &clock{at: time.Unix(0, 0)}
	for rows := 1; rows < 12; rows++ {
		d := &Display{now: time0.now, out: io.Discard, size: func() (int, int) { return 80, rows }}
		for i := range 9 {
			step := d.Begin(fmt.Sprint(i), 0)
			step.Group("probe", 9)
			step.Waiting("probe")
		}
		time0.at = time0.at.Add(waitingAfter)
		if lines := d.lines(rows); len(lines) > max(rows-2, 1) {
			t.Errorf("%d rows have %d lines", rows, len(lines))
		}
	}
}

// TestDumbTerminals checks that escape sequences are sent only to terminals that understand them.
func TestDumbTerminals(t *testing.T) {
	for kind, want := range map[string]bool{"": false, "dumb": false, "xterm-256color": true} {
		t.Setenv("TERM", kind)
		_, slave := terminal(t, 80)
		if got := canRedraw(slave); got != want {
			t.Errorf("TERM=%q: %v, want %v", kind, got, want)
		}
		if err := slave.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestTerminal checks that steps are redrawn in place, that no line is wider than the terminal, and that only lines of
// ended steps stay.
func TestTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	master, slave := terminal(t, 20)
	d := New(slave, 2, 0)
	_, second := d.Begin("a step with a long name", time.Minute), d.Begin("b", 0)
	second.End("built")
	d.mu.Lock()
	d.draw("")
	d.mu.Unlock()
	if err := slave.Close(); err != nil {
		t.Error(err)
	}
	var out bytes.Buffer
	_, _ = out.ReadFrom(master) // as above
	s := newScreen(24)
	s.feed(t, out.String())
	want := []string{"[2/2] b: built in 0s", "[1/2] a step with a", ""}
	if got := s.rows[:3]; strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("the screen shows %q, want %q", got, want)
	}
}

// TestClosedDisplay checks that closing a display erases the lines of steps that have not ended.
func TestClosedDisplay(t *testing.T) {
	t.Setenv("TERM", "xterm")
	master, slave := terminal(t, 80)
	d := New(slave, 0, 0)
	d.Begin("a", 0).Group("probe", 2)
	d.Begin("b", 0).Group("probe", 2)
	d.Close()
	if err := slave.Close(); err != nil {
		t.Error(err)
	}
	var out bytes.Buffer
	_, _ = out.ReadFrom(master) // as above
	s := newScreen(24)
	s.feed(t, out.String())
	if text := strings.Join(s.rows, ""); text != "" {
		t.Errorf("the screen still shows %q", text)
	}
}
