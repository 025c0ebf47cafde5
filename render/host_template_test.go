package render

import (
	"encoding/json"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"sigs.k8s.io/yaml"
)

// awkward returns values that, in one syntax or another, end a string, start something else, or are refused.
func awkward() []string {
	return []string{
		"", "plain", "no", "1e3", "a b", `a"b`, `a\b`, "a'b", "a\nb", "a\tb", "# a", "a: b", "{a}", "$a `b`", "<&>",
		"\x00", "\x1b[0m", "\x7f", "\u0085", "\u009f", "\u2028", "\ufeff", "\ufffe", "\uffff",
		"\U0001ffff", "한국어", "😀", KnownAfterInit, KnownAfterProbe,
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for _, value := range awkward() {
		checkQuote(t, value)
	}
	if got, err := quote(netip.MustParseAddrPort("[fd12::1]:443")); err != nil || got != `"[fd12::1]:443"` {
		t.Errorf("quote of an address and port gives %s, %v", got, err)
	}
}

func FuzzQuote(f *testing.F) {
	for _, value := range awkward() {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) { checkQuote(t, value) })
}

// checkQuote decodes a quoted value with each syntax in which quoted values are written.
func checkQuote(tb testing.TB, value string) {
	tb.Helper()
	if !utf8.ValidString(value) {
		return // manifests are UTF-8
	}
	quoted, err := quote(value)
	if err != nil {
		tb.Fatalf("quote(%q): %v", value, err)
	}
	readers := map[string]func([]byte, any) error{
		"YAML": func(b []byte, into any) error { return yaml.Unmarshal(b, into) },
		"JSON": json.Unmarshal,
	}
	for name, read := range readers {
		var got string
		if err := read([]byte(quoted), &got); err != nil || got != value {
			tb.Errorf("%s reads %s as %q, %v; want %q", name, quoted, got, err, value)
		}
	}
	var table struct{ Key string }
	if err := toml.Unmarshal([]byte("Key = "+quoted), &table); err != nil || table.Key != value {
		tb.Errorf("TOML reads %s as %q, %v; want %q", quoted, table.Key, err, value)
	}
}

func TestShellWord(t *testing.T) {
	t.Parallel()
	for _, value := range awkward() {
		if strings.ContainsRune(value, 0) {
			continue // an argument of a program cannot contain it
		}
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+shellWord(value)).Output()
		if err != nil || string(out) != value {
			t.Errorf("the shell reads %s as %q, %v; want %q", shellWord(value), out, err, value)
		}
	}
}

func TestFillErrors(t *testing.T) {
	t.Parallel()
	parsed, err := parseTemplates("host/*.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]any{
		"haproxy.cfg":     map[string]any{"Bind": "10.2.0.175:443"},
		"keepalived.conf": struct{ VIP string }{"10.2.0.175"},
		"no-such-file":    noData{},
	} {
		if out, err := fill(parsed, name, data); err == nil {
			t.Errorf("fill(%s) gives %q and no error", name, out)
		}
	}
	if _, err := parseTemplates("host/*.nothing"); err == nil {
		t.Error("a pattern that matches no template gives no error")
	}
}
