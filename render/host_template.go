package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"text/template"

	"github.com/dualstrap/dualstrap/templates"
)

// parseTemplates parses the templates that match a pattern, each under its file name. A key that is missing from the
// data is an error, never an empty string in a file.
func parseTemplates(pattern string) (*template.Template, error) {
	functions := template.FuncMap{"quote": quote, "sh": shellWord, "argv": quoteList}
	parsed, err := template.New("").Option("missingkey=error").Funcs(functions).ParseFS(templates.FS, pattern)
	if err != nil {
		return nil, fmt.Errorf("cannot parse templates %s: %w", pattern, err)
	}
	return parsed, nil
}

// fill executes one template. name is the file name without the suffix .tmpl.
func fill(parsed *template.Template, name string, data any) ([]byte, error) {
	var out bytes.Buffer
	if err := parsed.ExecuteTemplate(&out, name+".tmpl", data); err != nil {
		return nil, fmt.Errorf("cannot fill template: %w", err)
	}
	return out.Bytes(), nil
}

// quote returns a value in double quotes, escaped such that YAML, JSON and TOML all read the same string.
func quote(value any) (string, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(fmt.Sprint(value)); err != nil {
		return "", fmt.Errorf("cannot quote %v: %w", value, err)
	}
	quoted := strings.TrimSuffix(out.String(), "\n")
	// JSON does not escape DEL, the C1 controls and two noncharacters. YAML and TOML refuse some of them.
	var escaped strings.Builder
	for _, r := range quoted {
		if r >= 0x7f && r <= 0x9f || r == 0xfffe || r == 0xffff {
			fmt.Fprintf(&escaped, `\u%04x`, r)
			continue
		}
		escaped.WriteRune(r)
	}
	return escaped.String(), nil
}

// quoteList returns the strings in double quotes, separated by commas: the inside of a flow sequence in YAML.
func quoteList(values []string) (string, error) {
	quoted := make([]string, len(values))
	for i, value := range values {
		var err error
		if quoted[i], err = quote(value); err != nil {
			return "", err
		}
	}
	return strings.Join(quoted, ", "), nil
}

// shellWord returns a value as exactly one word for a POSIX shell, whatever characters it contains.
func shellWord(value any) string {
	return "'" + strings.ReplaceAll(fmt.Sprint(value), "'", `'\''`) + "'"
}

// joinPrefixes returns the ranges, separated by a comma and a space.
func joinPrefixes(prefixes []netip.Prefix) string {
	words := make([]string, len(prefixes))
	for i, prefix := range prefixes {
		words[i] = prefix.String()
	}
	return strings.Join(words, ", ")
}
