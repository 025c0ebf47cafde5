package cli_test

import (
	"testing"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
)

func TestVisible(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                        "",
		"a.yaml":                  "a.yaml",
		"one\ntwo":                "one\ntwo",
		`C:\"x"`:                  `C:\"x"`,
		"b\u00fccher/\uac00.yaml": "b\u00fccher/\uac00.yaml",
		"\x1b[31mred\a":           `\x1b[31mred\a`,
		"back\r\tside":            `back\r\tside`,
		"a\u202eb":                `a\u202eb`,
		"\x9b1m\xff":              `\x9b1m\xff`,
		"\u009b1m":                `\u009b1m`,
	} {
		if got := cli.Visible(text); got != want {
			t.Errorf("Visible(%q) = %q, want %q", text, got, want)
		}
	}
}
