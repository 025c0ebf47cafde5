package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// CommandError is a command of the engine that failed.
type CommandError struct {
	// Command is the program and its first words.
	Command string
	// Code is its exit code, -1 when it ended otherwise.
	Code int
	// Output is what it said on standard error.
	Output string
}

// Error implements error.
func (e *CommandError) Error() string {
	if e.Output == "" {
		return fmt.Sprintf("%s ended with code %d", e.Command, e.Code)
	}
	return fmt.Sprintf("%s: %s", e.Command, e.Output)
}

// Run runs the engine and gives its standard output.
func (e Engine) Run(ctx context.Context, args ...string) (string, error) {
	return e.run(ctx, nil, nil, args)
}

// run also gives the command an input, and a file that it holds open as long as it lives.
func (e Engine) run(ctx context.Context, input io.Reader, held *os.File, args []string) (string, error) {
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(ctx, e.Program, args...)
	command.Stdin, command.Stdout, command.Stderr = input, &stdout, &stderr
	if held != nil {
		command.ExtraFiles = []*os.File{held}
	}
	err := command.Run()
	switch {
	case err == nil:
		return stdout.String(), nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	}
	failed := &CommandError{Command: e.Program + " " + args[0], Code: -1, Output: strings.TrimSpace(stderr.String())}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return "", fmt.Errorf("cannot run %s: %w", e.Program, err)
	}
	failed.Code = exit.ExitCode()
	return stdout.String(), failed
}

// lines gives the lines of an answer.
func lines(answer string, err error) ([]string, error) {
	return strings.Fields(answer), err
}
