package firewalld

import (
	"strings"
	"unicode"
)

// Conf is the content of firewalld.conf. Edits keep every byte that is not the one value they are
// about.
type Conf string

// Lookup gives a key's value. Of several lines with the key firewalld takes the first.
func (c Conf) Lookup(key string) (string, bool) {
	line, found := c.find(key)
	return string(c[line.value:line.valueEnd]), found
}

// With gives the content with a key set, at the end when there was none.
func (c Conf) With(key, value string) Conf {
	if line, found := c.find(key); found {
		return c[:line.value] + Conf(value) + c[line.valueEnd:]
	}
	if c != "" && !strings.HasSuffix(string(c), "\n") {
		c += "\n"
	}
	return c + Conf(key+"="+value+"\n")
}

// Without gives the content without a key's line.
func (c Conf) Without(key string) Conf {
	line, found := c.find(key)
	if !found {
		return c
	}
	return c[:line.begin] + c[line.next:]
}

// confLine is where in a Conf a line is: from begin to where the next one begins, with its value in
// between.
type confLine struct{ begin, value, valueEnd, next int }

// find gives the line that sets a key. As for firewalld, a line is no setting when it is a comment or
// has not exactly one equals sign.
func (c Conf) find(key string) (confLine, bool) {
	for begin := 0; begin < len(c); {
		end, next := len(c), len(c)
		if length := strings.IndexAny(string(c[begin:]), "\r\n"); length >= 0 {
			end, next = begin+length, begin+length+1
		}
		if strings.HasPrefix(string(c[end:]), "\r\n") {
			next++
		}
		name, value, ok := strings.Cut(string(c[begin:end]), "=")
		if ok && !strings.Contains(value, "=") && strings.TrimSpace(name) == key {
			trimmed := strings.TrimSpace(value)
			from := end - len(strings.TrimLeftFunc(value, unicode.IsSpace))
			return confLine{begin: begin, value: from, valueEnd: from + len(trimmed), next: next}, true
		}
		begin = next
	}
	return confLine{}, false
}
