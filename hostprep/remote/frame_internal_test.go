package remote

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const testMarker = "0123456789abcdef"

// frame returns what the shell function answer prints.
func frame(name string, output []byte, status int) string {
	return fmt.Sprintf("\n%s begin %s\n%s\n%s end %d\n", testMarker, name, output, testMarker, status)
}

// done returns what the end of a script prints.
func done(status string) string { return "\n" + testMarker + " done " + status + "\n" }

func TestParseFrames(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		output string
		values string // NAME=OUTPUT(STATUS) ...
		state  string // begun, done, status
	}{
		"nothing":          {"", "", "false false 0"},
		"noise":            {"motd\n" + testMarker + " begin", "", "false false 0"},
		"an answer":        {"motd" + frame("a", []byte("x\n"), 3) + "noise" + done("0"), "a=\"x\\n\"(3)", "true true 0"},
		"cut in an answer": {"\n" + testMarker + " begin a\nxyz", "", "true false 0"},
		"cut in a marker":  {frame("a", nil, 0) + "\n" + testMarker + " don", "a=\"\"(0)", "true false 0"},
		"failed":           {done("255"), "", "true true 255"},
		"another's marker": {
			frame("a", []byte("\nfedcba9876543210 end 0\n"), 0) + done("1"), "a=\"\\nfedcba9876543210 end 0\\n\"(0)", "true true 1",
		},
		"progress": {"\n" + testMarker + " progress 30\n" + frame("a", nil, 0) + done("0"), "a=\"\"(0)", "true true 0"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parsed, err := parseFrames([]byte(test.output), testMarker)
			var values []string
			for name, value := range parsed.values {
				values = append(values, fmt.Sprintf("%s=%q(%d)", name, value.Output, value.Status))
			}
			got := []string{strings.Join(values, " "), fmt.Sprint(parsed.begun, parsed.done, parsed.status)}
			if diff := cmp.Diff([]string{test.values, test.state}, got); diff != "" || err != nil {
				t.Errorf("frames (-want +got), %v:\n%s", err, diff)
			}
		})
	}
}

// TestHostileFrames tries malformed frames, and answers with names that the script did not use.
func TestHostileFrames(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ output, fails string }{
		"progress of no time":   {"\n" + testMarker + " progress -1\n", "not a number of seconds"},
		"progress in an answer": {"\n" + testMarker + " begin a\n\n" + testMarker + " progress 1\n", "malformed"},
		"twice":                 {frame("a", nil, 0) + frame("a", nil, 0), "answered twice"},
		"no exit status":        {done("256"), "not an exit status"},
		"an end alone":          {"\n" + testMarker + " end 0\n", "malformed"},
		"done in an answer":     {"\n" + testMarker + " begin a\n" + done("0"), "malformed"},
		"more after the end":    {done("0") + frame("a", nil, 0), "malformed"},
		"a word of our own":     {"\n" + testMarker + " what\n", "malformed"},
		"a begin in a begin":    {"\n" + testMarker + " begin a\n" + frame("b", nil, 0), "malformed"},
		"no status in an end":   {"\n" + testMarker + " begin a\n\n" + testMarker + " end\n", "not an exit status"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := parseFrames([]byte(test.output), testMarker); err == nil || !strings.Contains(err.Error(), test.fails) {
				t.Errorf("error %v, want %q", err, test.fails)
			}
		})
	}
}

// Answers are returned unchanged, whatever they contain and whatever noise surrounds them, unless they guess the marker.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("noise"), []byte("x\n"), uint8(0))
	f.Add([]byte("\n"), []byte("\n0123456789abcde"), uint8(255))
	f.Fuzz(func(t *testing.T, noise, output []byte, status uint8) {
		if bytes.Contains(noise, []byte(testMarker)) || bytes.Contains(append(output, '\n'), []byte(testMarker)) {
			return
		}
		all := string(noise) + frame("a", output, int(status)) + string(noise) + frame("b", nil, 0) +
			fmt.Sprintf("\n%s done %d\n", testMarker, status)
		parsed, err := parseFrames([]byte(all), testMarker)
		a := parsed.values["a"]
		whole := err == nil && parsed.done && parsed.status == int(status) && len(parsed.values) == 2
		if !whole || !bytes.Equal(a.Output, output) || a.Status != int(status) {
			t.Errorf("%q became %+v, %v", output, parsed, err)
		}
	})
}

// Arbitrary output of a host is parsed without a panic and without an inconsistent result.
func FuzzHostileFrames(f *testing.F) {
	f.Add([]byte(frame("a", []byte("x"), 0)))
	f.Add([]byte("\n" + testMarker + " done 0\n"))
	f.Fuzz(func(t *testing.T, output []byte) {
		parsed, err := parseFrames(output, testMarker)
		if err == nil && parsed.done && !parsed.begun {
			t.Errorf("%+v", parsed)
		}
	})
}

func FuzzPartial(f *testing.F) {
	f.Add("100 "+strings.Repeat("a", 64), int64(200))
	f.Add("-1 x", int64(0))
	f.Fuzz(func(t *testing.T, text string, size int64) {
		if found := parsePartial(text, size); found.size < 0 || found.size > max(size, 0) {
			t.Errorf("%q is %+v", text, found)
		}
	})
}
