package firewalld

import (
	"strings"
	"unicode"
)

// Conf is the content of firewalld.conf. Edits preserve every byte except for the value that they change, including
// comments, spaces and line ends, so that undoing an edit restores the file exactly.
type Conf string

// Lookup returns the value of a key and whether there is one. Of several lines with the key, firewalld uses the
// first one.
func (c Conf) Lookup(key string) (string, bool) {
	line, found := c.find(key)
	return string(c[line.value:line.valueEnd]), found
}

// With returns the content with a key set. A key that is missing is appended.
func (c Conf) With(key, value string) Conf {
	if line, found := c.find(key); found {
		return c[:line.value] + Conf(value) + c[line.valueEnd:]
	}
	if c != "" && !strings.HasSuffix(string(c), "\n") {
		c += "\n"
	}
	return c + Conf(key+"="+value+"\n")
}

// Without returns the content without the line that sets a key.
func (c Conf) Without(key string) Conf {
	line, found := c.find(key)
	if !found {
		return c
	}
	return c[:line.begin] + c[line.next:]
}

// confLine holds the byte offsets of a line in a Conf: where the line begins, where its value begins and ends, and
// where the next line begins.
type confLine struct{ begin, value, valueEnd, next int }

// find returns the line that sets a key, and whether there is one. It follows firewalld's own parser: comments and
// lines without exactly one equals sign are ignored, and lines end with \n, \r or \r\n.
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
