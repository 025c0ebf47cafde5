package step

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// kubeadmError reports a failed kubeadm init or join, with related errors from the host's logs.
type kubeadmError struct {
	Verb string // init or join
	Err  error
	// Lines holds lines of the logs of the kubelet and of control plane containers; it may be empty.
	Lines []string
}

// Error implements error.
func (e *kubeadmError) Error() string {
	text := fmt.Sprintf("cannot %s: %v", e.Verb, e.Err)
	for _, line := range e.Lines {
		text += "\n    " + line
	}
	return text
}

// Unwrap returns the cause.
func (e *kubeadmError) Unwrap() error { return e.Err }

// explain adds lines of the host's logs to a failure of kubeadm, because kubeadm often reports only that it timed out. It
// returns other errors, such as a lost connection, as they are.
func explain(ctx context.Context, host remote.Reader, verb string, cause error) error {
	var failed *remote.CommandError
	if !errors.As(cause, &failed) || ctx.Err() != nil { // kubeadm itself did not fail, or the run was interrupted
		return cause
	}
	explained := &kubeadmError{Verb: verb, Err: cause}
	ask, err := script("look for the reason in the logs", "diagnose", nil)
	if err != nil {
		return errors.Join(explained, err)
	}
	answer, err := host.Probe(ctx, ask)
	if err != nil {
		return explained // without logs; the failure of kubeadm matters more than that of reading them
	}
	explained.Lines = append(logErrors(answer.Values["kubelet"].Output), lastLogLines(answer.Text("containers"))...)
	return explained
}

// maxLogErrors is the maximum number of lines from the kubelet's log, and of those from all containers' logs.
const maxLogErrors = 5

// logErrors returns the last distinct errors in a log in klog's format, oldest first. Lines are compared without klog's
// header, because the kubelet repeats an error with another time.
func logErrors(log []byte) []string {
	var lines []string
	seen := map[string]bool{}
	all := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	for i := len(all) - 1; i >= 0 && len(lines) < maxLogErrors; i-- {
		line := string(all[i])
		// Errors begin with E in klog's format. The other patterns cover libraries that log in logfmt, and the message with
		// which the kubelet exits.
		if !strings.HasPrefix(line, "E") && !strings.Contains(line, "level=error") && !strings.Contains(line, "command failed") {
			continue
		}
		_, message, found := strings.Cut(line, "] ")
		if !found {
			message = line
		}
		if !seen[message] {
			seen[message] = true
			lines = append([]string{"kubelet: " + shorten(message)}, lines...)
		}
	}
	return lines
}

// lastLogLines returns the errors in the output of the diagnose script: the last lines of containers' logs, each log after
// a line "== POD_UID/CONTAINER/N.log". It recognizes klog and the JSON of zap, which etcd uses.
func lastLogLines(text string) []string {
	var lines []string
	name := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if rest, isName := strings.CutPrefix(line, "== "); isName {
			name, _, _ = strings.Cut(rest, "_")
			continue
		}
		// TIME STREAM TAG MESSAGE, the log format of the Container Runtime Interface.
		fields := strings.SplitN(line, " ", 4)
		if len(fields) == 4 && (strings.HasPrefix(fields[3], "E") || strings.HasPrefix(fields[3], "F") ||
			strings.Contains(fields[3], `"level":"fatal"`) || strings.Contains(fields[3], `"level":"error"`)) {
			lines = append(lines, name+": "+shorten(fields[3]))
		}
	}
	return lines[max(0, len(lines)-maxLogErrors):]
}

// shorten truncates a log line so that it stays readable in a message. It drops a UTF-8 character that the cut splits.
func shorten(line string) string {
	const maxBytes = 300
	if len(line) <= maxBytes {
		return line
	}
	return strings.ToValidUTF8(line[:maxBytes], "") + "..."
}
