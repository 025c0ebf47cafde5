package build

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// cause is a reason for which go build fails that is none of the source's.
type cause struct {
	// pattern finds it in the output; its groups, if it has any, are the module, or its path and version.
	pattern *regexp.Regexp
	// what and cure may hold one %s for the module.
	what, cure string
}

// causes are looked for in order: a mismatch is also something that could not be downloaded.
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

// maxReasonLines is how much of go build's output an error shows.
const maxReasonLines = 12

// explain makes an error of what go build printed.
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
		return &Error{What: fmt.Sprintf("cannot build %s: %s\n%s", name, what, reason(out, cause.pattern)), HintText: cause.cure, Err: err}
	}
	return &Error{
		What:     fmt.Sprintf("cannot build %s: %v\n%s", name, err, indent(lastLines(out, maxReasonLines))),
		HintText: "what was built so far is kept: run the same command again once the reason is gone",
		Err:      err,
	}
}

// reason gives the lines from the one that tells a cause.
func reason(out string, pattern *regexp.Regexp) string {
	at := pattern.FindStringIndex(out)[0]
	start := strings.LastIndexByte(out[:at], '\n') + 1
	lines := strings.SplitAfterN(out[start:], "\n", maxReasonLines/2)
	if len(lines) == maxReasonLines/2 {
		lines = lines[:len(lines)-1]
	}
	return indent(strings.Join(lines, ""))
}

// lastLines gives the end of an output, without go build's headings.
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

// indent sets a text apart; a tab would not be seen for one where errors are printed.
func indent(text string) string {
	text = strings.ReplaceAll(strings.TrimRight(text, "\n"), "\t", "    ")
	return "    " + strings.ReplaceAll(text, "\n", "\n    ")
}
