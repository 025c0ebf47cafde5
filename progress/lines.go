package progress

import (
	"fmt"
	"slices"
	"strings"
)

// draw prints a line that stays, unless it is empty, and below it the lines of running steps, in place of those of the
// last call. The caller holds mu.
//
// Lines are erased one by one: erasing the screen from its first row on moves what was on it into the history of some
// terminals.
func (d *Display) draw(stays string) {
	if d.size == nil {
		return
	}
	columns, rows := d.size()
	lines := d.lines(rows)
	var text strings.Builder
	if d.drawn > 0 {
		fmt.Fprintf(&text, "\x1b[%dA", d.drawn)
	}
	text.WriteString("\r")
	written := 0
	write := func(line string) {
		text.WriteString("\x1b[2K" + line + "\n")
		written++
	}
	if stays != "" {
		write(stays)
	}
	for _, line := range lines {
		// A line as wide as the terminal would wrap on some of them, and the next redraw would replace too few lines.
		runes := []rune(line)
		write(string(runes[:min(len(runes), columns-1)]))
	}
	if left := d.drawn - written; left > 0 {
		text.WriteString(strings.Repeat("\x1b[2K\n", left))
		fmt.Fprintf(&text, "\x1b[%dA", left)
	}
	d.drawn = len(lines)
	d.print(text.String())
}

// lines returns what is drawn: a line for each running step, those that run longest first, a line that counts the steps
// that have none, a line for all steps, and one for those that take long. They fit the terminal, since the cursor cannot
// move up past its first row: what scrolled away would be drawn again each time.
func (d *Display) lines(rows int) []string {
	var last []string
	if line := d.overall(); line != "" {
		last = append(last, line)
	}
	if line := d.waiting(); line != "" {
		last = append(last, line)
	}
	room := max(rows-2, 1) // the cursor has a row below the lines, and the line that stays has one above
	last = last[:min(len(last), room)]
	shown := d.running
	if most := room - len(last); len(shown) > most {
		shown = shown[:max(most-1, 0)]
	}
	lines := make([]string, 0, len(shown)+len(last)+1)
	for _, step := range shown {
		lines = append(lines, d.line(step))
	}
	if hidden := d.running[len(shown):]; len(hidden) > 0 && len(lines)+len(last) < room {
		lines = append(lines, more(hidden))
	}
	return append(lines, last...)
}

// more returns a line that counts steps without a line of their own, as in "and 41 more: 31 prepare, 8 probe".
func more(hidden []*Step) string {
	var names []string
	counts := map[string]int{}
	for _, step := range hidden {
		if step.group == nil {
			continue
		}
		if counts[step.group.name]++; counts[step.group.name] == 1 {
			names = append(names, step.group.name)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return counts[b] - counts[a] })
	for i, name := range names {
		names[i] = fmt.Sprintf("%d %s", counts[name], name)
	}
	line := fmt.Sprintf("and %d more", len(hidden))
	if len(names) > 0 {
		line += ": " + strings.Join(names, ", ")
	}
	return line
}

// overall returns a line that counts the steps of the groups that have not ended, and how long all of the work has taken:
// "prepare 40/64 (about 2m left), join 3/64  1m12s". Only the first group has an estimate, because steps of the others may
// wait for it. The line is empty where a single step runs without an estimate, since its own line says as much.
func (d *Display) overall() string {
	var counts []string
	estimate := ""
	for _, g := range d.groups {
		of := g.of - g.skipped
		if of < 2 || g.ended >= of {
			continue
		}
		if left := d.left(g); len(counts) == 0 && left > 0 {
			estimate = " (" + about(left) + ")"
		}
		counts = append(counts, fmt.Sprintf("%s %d/%d", g.name, g.ended, of))
	}
	if len(counts) == 0 || len(d.running) < 2 && estimate == "" {
		return ""
	}
	counts[0] += estimate
	return strings.Join(counts, ", ") + "  " + span(d.now().Sub(d.started))
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

// line returns the line of a running step: its name, how long it has been running, and how long all steps will still
// take.
func (d *Display) line(step *Step) string {
	elapsed := d.now().Sub(step.started)
	line := fmt.Sprintf("%s%s  %s", step.count(), step.name, span(elapsed))
	if step.expected > 0 {
		line += " of about " + span(step.expected)
	}
	if step.doing != "" {
		line += "  " + step.doing
	}
	if left := d.expected - min(elapsed, step.expected); d.expected > 0 && left > 0 {
		line += ", " + span(left) + " left in all"
	}
	return line
}
