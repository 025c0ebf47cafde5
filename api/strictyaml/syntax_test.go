package strictyaml_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	placeholder = `"..." looks like a placeholder for something left out (write what belongs here, or remove the line)`
	sameColumn  = " (lines that belong together begin in the same column)"
	lookAround  = " (look for a missing colon, dash or quote here and in the lines above)"
	noDash      = `this line is in the column of list items but has no dash ` +
		`(begin it with "- " if it is an item, or indent it by two more spaces if it belongs to the item above)`
)

// TestSyntax checks texts with one or more mistakes each. After a repair, parsing continues with the next mistake.
func TestSyntax(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text string
		want       []string
		unreadable bool
	}{
		{
			name: "missing colon after a list in quotes",
			text: "spec:\n  items:\n  - \"a\"\n  network\n    cidrBlocks:\n    - \"b\"\n",
			want: []string{"4:3 yaml-syntax a colon is missing after `network` (write `network:`)"},
		},
		{
			name: "missing colon at the first field",
			text: "spec\n  mode: a\n",
			want: []string{"1:1 yaml-syntax a colon is missing after `spec` (write `spec:`)"},
		},
		{
			name: "missing colon before a list, and a comment",
			text: "spec:\n  mode: a # b\n  items # c\n  - a\n",
			want: []string{"3:3 yaml-syntax a colon is missing after `items` (write `items:`)"},
		},
		{
			name: "missing colon in an item",
			text: "spec:\n  nodes:\n  - address\n      mode: a\n",
			want: []string{"3:5 yaml-syntax a colon is missing after `address` (write `address:`)"},
		},
		{
			name: "missing colon after a word that is nearly a field",
			text: "spec:\n  networks\n    cidrBlocks:\n    - b\n",
			want: []string{"2:3 yaml-syntax a colon is missing after `networks` (write `networks:`)"},
		},
		{
			name: "missing colon after a word that is no field",
			text: "spec:\n  hunter2\n    cidrBlocks:\n    - b\n",
			want: []string{"2:3 yaml-syntax a colon is missing after this word (write a colon after it)"},
		},
		{
			name: "missing colon before a value",
			text: "spec:\n  mode bundled\n  version: a\n",
			want: []string{"2:3 yaml-syntax a colon is missing after `mode` (write `mode:`)"},
		},
		{
			name: "lone word between fields",
			text: "spec:\n  version: a\n  mode\n  count: 1\n",
			want: []string{"3:3 yaml-syntax a colon is missing after `mode` (write `mode:`)"},
		},
		{
			name: "missing space after a colon",
			text: "spec:\n  mode:bundled\n  version: a\n",
			want: []string{"2:3 yaml-syntax a space is missing after the colon (write a space between the key and its value)"},
		},
		{
			name: "missing space after a dash",
			text: "spec:\n  items:\n  - a\n  -\"b\"\n  - c\n",
			want: []string{`4:3 yaml-syntax a space is missing after the dash (an item begins with "- ")`},
		},
		{
			name:       "item beside its key",
			text:       "spec:\n  items: - a\n  - b\n",
			want:       []string{"2:10 yaml-syntax a list item stands in the line of its key (write every item on a line of its own)"},
			unreadable: true,
		},
		{
			name: "tabs only",
			text: "spec:\n\tmode: a\n\tnetwork:\n\t\tcidrBlocks: []\n",
			want: []string{"2:1 yaml-syntax tab in the indentation; YAML wants spaces (indent with spaces, in this and 2 more lines)"},
		},
		{
			name: "tab before a comment",
			text: "spec:\n  mode: a\n  \t# b\n  version c\n",
			want: []string{
				"3:3 yaml-syntax tab in the indentation; YAML wants spaces (indent with spaces)",
				"4:3 yaml-syntax a colon is missing after `version` (write `version:`)",
			},
		},
		{
			name:       "tab among spaces",
			text:       "spec:\n  mode: a\n  \tversion: b\n",
			want:       []string{"3:3 yaml-syntax tab in the indentation; YAML wants spaces (indent with spaces)"},
			unreadable: true,
		},
		{
			name: "no-break spaces",
			text: "spec:\n\u00a0\u00a0mode: a\n  version: b\n\u00a0\u00a0count: 1\n",
			want: []string{"2:1 yaml-syntax this is not a space but U+00A0, which looks like one (type a space instead, in this and 1 more lines)"},
		},
		{
			name: "quote not closed before another",
			text: "spec:\n  mode: \"bundled\n  version: \"a\"\n",
			want: []string{"2:9 yaml-syntax this quote is not closed (close it at the end of the value)"},
		},
		{
			name: "quote not closed at all, and a comment",
			text: "spec:\n  mode: 'bundled # one\n  version: a\n",
			want: []string{"2:9 yaml-syntax this quote is not closed (close it at the end of the value)"},
		},
		{
			name: "text after quotes",
			text: "spec:\n  mode: \"a\"b\n  version: x\n",
			want: []string{"2:12 yaml-syntax text after the closing quote (put the whole value in quotes)"},
		},
		{
			name: "address that ends with a colon",
			text: "spec:\n  mode: fd12::\n  version: a\n",
			want: []string{"2:9 yaml-syntax an address that ends with a colon is to be in quotes (put it in quotes)"},
		},
		{
			name: "reserved characters",
			text: "spec:\n  mode: @a\n  version: *.example.com\n  labels: %b\n",
			want: []string{
				"2:9 yaml-syntax a text that begins with @ is to be in quotes (put it in quotes)",
				"3:12 yaml-syntax a text that begins with * is to be in quotes (put it in quotes)",
				"4:11 yaml-syntax a text that begins with % is to be in quotes (put it in quotes)",
			},
		},
		{
			name: "alias without anchor",
			text: "spec:\n  mode: *hunter2\n  version: a\n",
			want: []string{"2:9 yaml-alias an alias (*) without an anchor (&) above it (text that begins with * is to be in quotes)"},
		},
		{
			name: "alias without anchor, in brackets",
			text: "spec:\n  items: [*hunter2]\n",
			want: []string{
				"2:3 yaml-alias an alias (*) in or above this line has no anchor (&) (text that begins with * is to be in quotes)",
			},
			unreadable: true,
		},
		{
			name: "two colons",
			text: "spec:\n  mode: a: b\n  version: c\n",
			want: []string{"2:10 yaml-syntax a second colon in one line (put the value in quotes, or begin a new line)"},
		},
		{
			name: "deeper than a value",
			text: "spec:\n  mode: a\n    version: b\n    count: no\n  enabled: true\n",
			want: []string{
				"3:5 yaml-syntax indented deeper (by 2 spaces) than the line above, which has a value already " +
					"(begin both lines in the same column)",
			},
		},
		{
			name: "no dash", text: "spec:\n  nodes:\n    - address: a\n    address: b\n", unreadable: true,
			want: []string{"4:5 yaml-syntax " + noDash},
		},
		{
			name: "item between columns", text: "spec:\n  nodes:\n    - address: a\n   - address: b\n", unreadable: true,
			want: []string{"4:4 yaml-syntax indented by 3 spaces, but the blocks above by 2 and 4" + sameColumn},
		},
		{
			name: "item deeper than the one above", text: "spec:\n  items:\n  - a\n\n    - b # c\n  - d - e\n",
			want: []string{
				"5:5 yaml-syntax spec.items[0]: indented deeper than the item above, so that YAML joins both into one text " +
					"(begin all items of a list in the same column)",
			},
		},
		{
			name: "left of everything", text: " spec:\n  mode: a\nversion: b\n", unreadable: true,
			want: []string{"3:1 yaml-syntax indented less than the first line of the document" + sameColumn},
		},
		{
			name: "open brackets",
			text: "spec:\n  items: [a, b\n  network: {cidrBlocks: []\n  mode: a\n",
			want: []string{
				"2:10 yaml-syntax this bracket is not closed (close it with ])",
				"3:12 yaml-syntax this bracket is not closed (close it with })",
			},
		},
		{
			name: "placeholder in the first column",
			text: "spec:\n  items:\n  - a\n...\n  mode: a\n",
			want: []string{"4:1 yaml-placeholder " + placeholder},
		},
		{
			name: "placeholders among fields",
			text: "spec:\n  mode: \"a\"\n  ...\n  version: \"b\"\n  …\n  count: 1\n",
			want: []string{"3:3 yaml-placeholder " + placeholder, "5:3 yaml-placeholder " + placeholder},
		},
		{
			name: "placeholders as values",
			text: "spec:\n  mode: ...\n  items:\n  - …\n  version: a\n    ...\n",
			want: []string{
				"2:9 yaml-placeholder spec.mode: " + placeholder, "4:5 yaml-placeholder spec.items[0]: " + placeholder,
				"5:12 yaml-placeholder spec.version: " + placeholder,
			},
		},
		{
			name: "block scalars hold anything, other values may end in dots",
			text: "spec:\n  mode: |\n    items\n      mode:\n    ...\n\n    \ta\n  version: and so on ...\n",
		},
		{
			name: "block scalars are not searched for mistakes",
			text: "spec:\n  mode: |\n    items\n      mode:\n    ...\n    \"\n  version b\n",
			want: []string{"7:3 yaml-syntax a colon is missing after `version` (write `version:`)"},
		},
		{
			name: "text over several lines in quotes",
			text: "spec:\n  mode: \"a\n    b\"\n  version b\n",
			want: []string{"4:3 yaml-syntax a colon is missing after `version` (write `version:`)"},
		},
		{
			name: "several mistakes, the last without remedy",
			text: "spec:\n  network\n    cidrBlocks:\n    - b\n  mode bundled\n  version: \"x\n  count:1\n  items: [\n", unreadable: true,
			want: []string{
				"2:3 yaml-syntax a colon is missing after `network` (write `network:`)",
				"5:3 yaml-syntax a colon is missing after `mode` (write `mode:`)",
				"6:12 yaml-syntax this quote is not closed (close it at the end of the value)",
				"7:3 yaml-syntax a space is missing after the colon (write a space between the key and its value)",
				"8:3 yaml-syntax a value is missing",
			},
		},
		{
			name: "what no look at the lines explains", text: "mode: a\n}\n", unreadable: true,
			want: []string{"2:1 yaml-syntax this line does not fit the mapping that it is in" + lookAround},
		},
		{
			name: "quotes in brackets not closed", text: "spec:\n  items: [\"a, b]\n  mode: a\n", unreadable: true,
			want: []string{"2:3 yaml-syntax the document ends inside of quotes (close the quotes)"},
		},
		{
			name: "unknown escape", text: "mode: \"\\q\"\n", unreadable: true,
			want: []string{`1:1 yaml-syntax a backslash in double quotes begins no known escape (write \\ for a backslash, or use single quotes)`},
		},
		{
			name: "template",
			text: "spec: {{ .Values.spec }}\n",
			want: []string{"1:8 yaml-key spec: a mapping in the place of a key (braces that belong to a template are to be filled in first)"},
		},
		{
			name: "tag",
			text: "mode: !hunter2 a\nversion: !!str 1\n",
			want: []string{"1:7 yaml-tag mode: tags (!...) are not supported (remove the tag; text that begins with ! is to be quoted)"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			doc := parseOne(t, tc.text)
			if diff := cmp.Diff(tc.want, format(doc.Problems())); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if doc.Readable() == tc.unreadable {
				t.Errorf("Readable is %t", doc.Readable())
			}
		})
	}
}
