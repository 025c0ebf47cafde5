package remote

import (
	"bytes"
	"io"
)

// divertRoom is the size, in bytes, of the buffer of a diverter: that of one packet of SSH.
const divertRoom = 32 << 10

// diverter passes standard output on, but for the content of one answer: it writes that elsewhere, so that no more than a
// buffer of it is in memory.
type diverter struct {
	output io.Reader
	to     io.Writer
	watch  *watchdog
	// begin is the line before the content, and end what begins the line behind it, both with the newline before them.
	begin, end []byte

	stage   divertStage
	buffer  []byte // for reading
	ready   []byte // to be passed on
	held    []byte // the last bytes of output: they may be the first ones of begin or end
	written int    // bytes since the last report to watch
	err     error  // of output, or of to
}

// divertStage is how far a diverter has come.
type divertStage int

const (
	beforeContent divertStage = iota
	withinContent
	behindContent
)

// newDiverter returns a reader of the output that remains when the answer "content" is written to another place.
func newDiverter(output io.Reader, program program) *diverter {
	return &diverter{
		output: output, to: program.content, watch: program.watch, buffer: make([]byte, divertRoom),
		begin: []byte("\n" + program.marker + " begin content\n"), end: []byte("\n" + program.marker + " "),
	}
}

// Read implements io.Reader.
func (d *diverter) Read(data []byte) (int, error) {
	for len(d.ready) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		n, err := d.output.Read(d.buffer)
		d.err = err
		d.ready = d.ready[:0]
		if err := d.take(d.buffer[:n]); err != nil {
			d.err = err
		}
	}
	n := copy(data, d.ready)
	d.ready = d.ready[n:]
	return n, nil
}

// take processes output. What precedes the content is passed on at once, since it may report progress.
func (d *diverter) take(output []byte) error {
	if d.stage == beforeContent {
		d.held = append(d.held, output...)
		passed := len(d.held) - len(output) // bytes of held that have been passed on before
		at := bytes.Index(d.held, d.begin)
		if at < 0 {
			d.ready = append(d.ready, output...)
			d.keep(len(d.begin) - 1)
			return nil
		}
		d.stage = withinContent
		content := at + len(d.begin) - passed
		d.ready = append(d.ready, output[:content]...)
		d.held, output = d.held[:0], output[content:]
	}
	if d.stage == withinContent {
		d.held = append(d.held, output...)
		at := bytes.Index(d.held, d.end)
		if at >= 0 {
			d.stage, output = behindContent, d.held[at:]
			d.held = d.held[:at]
		}
		if err := d.write(at >= 0); err != nil || at < 0 {
			return err
		}
	}
	d.ready = append(d.ready, output...)
	return nil
}

// keep drops what is held, except for its last n bytes.
func (d *diverter) keep(n int) {
	if over := len(d.held) - n; over > 0 {
		d.held = append(d.held[:0], d.held[over:]...)
	}
}

// write writes held content, all of it or all but what may be the beginning of end.
func (d *diverter) write(all bool) error {
	content := d.held
	if !all {
		content = content[:max(0, len(content)-len(d.end)+1)]
	}
	if len(content) == 0 {
		return nil
	}
	if _, err := d.to.Write(content); err != nil {
		return err
	}
	// As with input, a host that sends a byte now and then makes no progress.
	if d.written += len(content); d.written >= fedEvery {
		d.written = 0
		d.watch.fed()
	}
	d.keep(len(d.held) - len(content))
	return nil
}
