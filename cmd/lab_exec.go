package cmd

import (
	"errors"
	"os"
	"os/exec"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/lab"
)

// newLabExec returns the command lab exec, which enters the host's container. It works on hosts that are disconnected, or
// whose sshd is broken.
func newLabExec(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exec HOST -- COMMAND [ARGUMENT...]",
		Short: "Run a command on a host of the lab, as root",
		Long: `Run a command on a host of the lab, as root and without using the network. The command gets dualstrap's
standard input, output and error, and its terminal if there is one. Its exit code becomes dualstrap's.`,
		Example: `  dualstrap lab exec lab-cp-1 -- bash
  dualstrap lab exec client -- ping -c 3 fd12::2:4`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return cli.Usagef("name a host and a command: %s", cmd.UseLine())
			}
			return nil
		},
	}
	flags := addLabFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		l, err := flags.open(streams)
		if err != nil {
			return err
		}
		err = l.Exec(cmd.Context(), args[0], lab.Streams{
			In: streams.In, Out: cli.Raw(streams.Out), Err: cli.Raw(streams.Err), // the command's output must not be altered
			Terminal: isTerminal(streams.In) && isTerminal(cli.Raw(streams.Out)),
		}, args[1:])
		// A negative exit code means that a signal ended the command: that is reported as an error of dualstrap.
		var ended *exec.ExitError
		if errors.As(err, &ended) && ended.ExitCode() >= 0 {
			return &cli.ExitError{Code: ended.ExitCode()}
		}
		return err
	}
	return cmd
}

// isTerminal reports whether a stream, a reader or a writer, is a terminal.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
