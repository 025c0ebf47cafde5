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

// parseTemplates reads the templates that match a pattern, each under the name of its file. A key that
// the data lacks is an error, never an empty string in a file.
func parseTemplates(pattern string) (*template.Template, error) {
	functions := template.FuncMap{"quote": quote, "sh": shellWord, "argv": quoteList}
	parsed, err := template.New("").Option("missingkey=error").Funcs(functions).ParseFS(templates.FS, pattern)
	if err != nil {
		return nil, fmt.Errorf("cannot parse templates %s: %w", pattern, err)
	}
	return parsed, nil
}

// fill executes one template; name is its file without the suffix .tmpl.
func fill(parsed *template.Template, name string, data any) ([]byte, error) {
	var out bytes.Buffer
	if err := parsed.ExecuteTemplate(&out, name+".tmpl", data); err != nil {
		return nil, fmt.Errorf("cannot fill template: %w", err)
	}
	return out.Bytes(), nil
}

// quote gives a value in double quotes as YAML, JSON and TOML read it alike.
func quote(value any) (string, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(fmt.Sprint(value)); err != nil {
		return "", fmt.Errorf("cannot quote %v: %w", value, err)
	}
	quoted := strings.TrimSuffix(out.String(), "\n")
	// JSON leaves DEL, the C1 controls and two noncharacters as they are; YAML and TOML refuse some of them.
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

// quoteList gives strings in double quotes, parted by commas: the inside of a flow sequence of YAML.
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

// shellWord gives a value as exactly one word of a POSIX shell, whatever it holds.
func shellWord(value any) string {
	return "'" + strings.ReplaceAll(fmt.Sprint(value), "'", `'\''`) + "'"
}

// joinPrefixes gives ranges of addresses parted by commas.
func joinPrefixes(prefixes []netip.Prefix) string {
	words := make([]string, len(prefixes))
	for i, prefix := range prefixes {
		words[i] = prefix.String()
	}
	return strings.Join(words, ", ")
}
