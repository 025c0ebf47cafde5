package remote

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// chunks returns what a reader returns, in reads of n bytes at most.
func chunks(text string, n int) io.Reader { return &chunked{text, n} }

type chunked struct {
	text string
	n    int
}

func (c *chunked) Read(data []byte) (int, error) {
	if c.text == "" {
		return 0, io.EOF
	}
	n := copy(data[:min(c.n, len(data))], c.text)
	c.text = c.text[n:]
	return n, nil
}

// divert returns what a diverter passes on, and what it writes elsewhere.
func divert(output io.Reader) (passed, content string, err error) {
	var to strings.Builder
	all, err := io.ReadAll(newDiverter(output, program{marker: testMarker, content: &to, watch: &watchdog{}}))
	return string(all), to.String(), err
}

func TestDivert(t *testing.T) {
	t.Parallel()
	const begin, end = "\n" + testMarker + " begin content\n", "\n" + testMarker + " end 0\n"
	for name, test := range map[string]struct{ before, content, behind string }{
		"no content":            {"motd" + frame("a", []byte("x"), 0) + done("0"), "", ""},
		"an empty one":          {begin, "", end + done("0")},
		"a short one":           {frame("size", []byte("3"), 0) + begin, "abc", end + done("0")},
		"line ends":             {begin, "\n\n\n", end},
		"a part of a marker":    {begin, "\n" + testMarker[:15] + "\n\n" + testMarker + "x\n" + testMarker, end},
		"another's marker":      {begin, "\nfedcba9876543210 end 0\n", end},
		"interrupted in front":  {"\n" + testMarker + " begin conten", "", ""},
		"interrupted behind":    {begin, "abc", "\n" + testMarker + " en"},
		"another answer behind": {begin, "abc", end + frame("b", []byte("x"), 0) + done("0")},
		"twice":                 {begin, "abc", end + begin + "def" + end},
		"a similar name":        {frame("content2", []byte("x"), 0) + frame("xcontent", []byte("y"), 0) + begin, "abc", end},
		"a long one":            {begin, strings.Repeat("\n"+testMarker[:12], 20_000), end},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{1, 2, 7, 32, 33, 1000, 1 << 20} {
				passed, content, err := divert(chunks(test.before+test.content+test.behind, n))
				if passed != test.before+test.behind || content != test.content || err != nil {
					t.Fatalf("by %d bytes: passes %.200q on, writes %.200q, error %v", n, passed, content, err)
				}
			}
		})
	}
}

// What precedes the content is passed on as soon as it arrives: it may report progress or the end.
func TestDivertDoesNotHoldProgress(t *testing.T) {
	t.Parallel()
	line := "\n" + testMarker + " progress 0\n"
	broken := errors.New("broken")
	output := io.MultiReader(strings.NewReader(line), iotest.ErrReader(broken))
	diverter := newDiverter(output, program{marker: testMarker, content: io.Discard})
	data := make([]byte, 100)
	if n, err := diverter.Read(data); string(data[:n]) != line || err != nil {
		t.Errorf("%q, %v", data[:n], err)
	}
	if n, err := diverter.Read(data); n != 0 || !errors.Is(err, broken) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// Content arrives unchanged, in whatever parts the output is read, unless it guesses the marker.
func FuzzDivert(f *testing.F) {
	f.Add([]byte("noise\n"), []byte("x\n"), uint16(1))
	f.Add([]byte("\n0123456789abcdef begin conten"), []byte("\n0123456789abcde\n"), uint16(17))
	f.Fuzz(func(t *testing.T, noise, content []byte, n uint16) {
		if bytes.Contains(noise, []byte(testMarker)) || bytes.Contains(content, []byte(testMarker)) {
			return
		}
		before, behind := string(noise)+"\n"+testMarker+" begin content\n", "\n"+testMarker+" end 0\n"+string(noise)
		passed, got, err := divert(chunks(before+string(content)+behind, int(n)+1))
		if passed != before+behind || got != string(content) || err != nil {
			t.Errorf("passes %q on, writes %q, error %v", passed, got, err)
		}
	})
}
