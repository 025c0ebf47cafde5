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

// CommandError reports a command of the engine that failed.
type CommandError struct {
	// Command is the program and the subcommand.
	Command string
	// Code is the exit code; -1 if a signal ended the command.
	Code int
	// Output is the command's standard error.
	Output string
}

// Error implements error.
func (e *CommandError) Error() string {
	if e.Output == "" {
		return fmt.Sprintf("%s ended with code %d", e.Command, e.Code)
	}
	return fmt.Sprintf("%s: %s", e.Command, e.Output)
}

// Run runs the engine and returns its standard output.
func (e Engine) Run(ctx context.Context, args ...string) (string, error) {
	return e.run(ctx, nil, nil, args)
}

// run runs the engine with a standard input. The command inherits held, and so keeps the file open until it ends; both may be
// nil.
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

// lines splits an answer into its lines, which are names without spaces.
func lines(answer string, err error) ([]string, error) {
	return strings.Fields(answer), err
}
