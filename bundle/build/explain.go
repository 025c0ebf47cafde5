package build

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// cause describes a failure of go build that is not a fault of the source.
type cause struct {
	// pattern matches the output of go build. Its groups, if any, are the module, or the module's path and version.
	pattern *regexp.Regexp
	// what and hint describe the failure and the remedy. what may contain one %s for the module.
	what, hint string
}

// causes returns the known causes in the order in which they are tried: a checksum mismatch also matches the pattern of
// a failed download.
func causes() []cause {
	const module = `([\w.~/+-]+@v[\w.+-]+)`
	return []cause{
		{
			regexp.MustCompile(`verifying ` + module + `(?:/go\.mod)?: checksum mismatch`),
			"the module %s is not the one that dualstrap was made with: its checksum differs",
			"do not use it: find out which proxy served it (go env GOPROXY), run go clean -modcache and try another one",
		},
		{
			regexp.MustCompile(`missing go\.sum entry`),
			"its pin is incomplete: a module has no checksum",
			"this is a defect of dualstrap: report it",
		},
		{
			regexp.MustCompile(`(?:go: downloading (\S+) (v\S+)\n|` + module + `: )module lookup disabled by GOPROXY=off`),
			"the module %s is not on this machine, and GOPROXY=off forbids to download it",
			"set GOPROXY to a proxy that has it, or fill the module cache first",
		},
		{
			regexp.MustCompile(module + `:[^\n]*(?:reading https?://|Get "https?://|invalid version|unrecognized import|dial tcp|40[34]|410)`),
			"the module %s cannot be downloaded",
			"look at the reason above and at go env GOPROXY; what was built so far is kept, so run the same command again",
		},
		{
			regexp.MustCompile(`no space left on device`),
			"the disk is full",
			"make room, or set GOCACHE, GOMODCACHE and XDG_CACHE_HOME to directories on a larger disk; what was built so far is kept",
		},
		{
			regexp.MustCompile(`(?:compile|link|asm|cgo): signal: killed|cannot allocate memory|out of memory`),
			"the compiler was killed, most likely because memory ran out",
			"leave it 4 GiB; what was built so far is kept, so run the same command again",
		},
		{
			regexp.MustCompile(`requires go >= [\d.]+`),
			"Go is too old",
			"install Go " + goLine + " or later from https://go.dev/dl",
		},
	}
}

// maxReasonLines is the maximum number of lines of go build's output in an error.
const maxReasonLines = 12

// explain returns an error that describes the output of a failed go build.
func explain(p program, out string, err error) error {
	name := p.pkg
	if name == "" {
		name = p.pin
	}
	for _, cause := range causes() {
		match := cause.pattern.FindStringSubmatch(out)
		if match == nil {
			continue
		}
		what := cause.what
		if strings.Contains(what, "%s") {
			groups := slices.DeleteFunc(match[1:], func(group string) bool { return group == "" })
			what = fmt.Sprintf(what, strings.Join(groups, "@"))
		}
		return &Error{What: fmt.Sprintf("cannot build %s: %s\n%s", name, what, reason(out, cause.pattern)), HintText: cause.hint, Err: err}
	}
	return &Error{
		What:     fmt.Sprintf("cannot build %s: %v\n%s", name, err, indent(lastLines(out, maxReasonLines))),
		HintText: "what was built so far is kept: run the same command again once the reason is gone",
		Err:      err,
	}
}

// reason returns the part of the output that begins with the line that matches a cause.
func reason(out string, pattern *regexp.Regexp) string {
	at := pattern.FindStringIndex(out)[0]
	start := strings.LastIndexByte(out[:at], '\n') + 1
	lines := strings.SplitAfterN(out[start:], "\n", maxReasonLines/2)
	if len(lines) == maxReasonLines/2 {
		lines = lines[:len(lines)-1]
	}
	return indent(strings.Join(lines, ""))
}

// lastLines returns the last lines of an output, without go build's headings and progress.
func lastLines(out string, count int) string {
	var lines []string
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if line != "" && !strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "go: downloading ") {
			lines = append(lines, line)
		}
	}
	if len(lines) > count {
		lines = lines[len(lines)-count:]
	}
	return strings.Join(lines, "\n")
}

// indent indents a text. It replaces tabs, which would be misaligned after the indentation.
func indent(text string) string {
	text = strings.ReplaceAll(strings.TrimRight(text, "\n"), "\t", "    ")
	return "    " + strings.ReplaceAll(text, "\n", "\n    ")
}
