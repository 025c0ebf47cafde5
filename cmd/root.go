package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
)

// exitGrace is how long Main waits for an interrupted command, so that it can stop child processes and remove temporary
// files.
const exitGrace = 2 * time.Second

// gracefulStop is the annotation of commands that Main waits for without a limit when they are interrupted. Its value does
// not matter, as long as it is not empty.
const gracefulStop = "stops-cleanly"

// Main runs the command line and returns the exit code of the process. Ctrl-C and SIGTERM end most commands within
// exitGrace, even one that blocks in a read, as from a pipe: all files are written so that a run may be interrupted at any
// point. Commands with the annotation gracefulStop are waited for. A second signal ends any command at once.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	streams, flush := cli.NewStreams(in, out, errOut)
	defer flush()
	root := newRoot(streams)
	root.SetArgs(args)
	clean := false // whether the command has the annotation gracefulStop
	if called, _, err := root.Find(args); err == nil {
		clean = called.Annotations[gracefulStop] != ""
	}
	ended := make(chan error, 1)
	go func() {
		called, err := root.ExecuteContextC(ctx)
		if err != nil && ctx.Err() == nil { // after an interruption, errors are its consequences
			report(streams.Err, called, err)
		}
		ended <- err
	}()
	select {
	case err := <-ended:
		return cli.ExitCode(err)
	case <-ctx.Done():
		stop() // the next signal has its default effect: it kills the process
		if clean {
			return cli.ExitCode(<-ended)
		}
		select {
		case <-ended: //nolint:errcheck // the exit code is that of an interruption, whatever the error
		case <-time.After(exitGrace):
		}
		fmt.Fprintln(errOut, "dualstrap: interrupted")
		return cli.ExitInterrupted
	}
}

// report prints the error of a command, the error's hint if it has one, and for a mistake of the command line how to get
// help.
func report(w io.Writer, called *cobra.Command, err error) {
	var ended *cli.ExitError
	if errors.As(err, &ended) {
		return // the command that the user named has printed its own error
	}
	text, tip := errorText(err)
	fmt.Fprintf(w, "dualstrap: %s\n", text)
	var usage *cli.UsageError
	if errors.As(err, &usage) {
		fmt.Fprintf(w, "try: %s --help\n", called.CommandPath())
	}
	if tip != "" {
		fmt.Fprintf(w, "try: %s\n", tip)
	}
}

// newRoot returns the root command with all commands below it.
func newRoot(streams cli.Streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "dualstrap",
		Short: "Turn bare Linux hosts into a proven dual-stack Kubernetes cluster",
		Long: `dualstrap turns bare Linux hosts into a proven IPv4/IPv6 dual-stack Kubernetes cluster.

It reads the manifests of Google Distributed Cloud for bare metal: Namespace, Cluster, NodePool
and ClusterCIDRConfig. The result of a command goes to standard output, everything else to standard error.

Exit codes: 0 success, 1 failure, 2 wrong usage or invalid manifests, 3 hosts that cannot be reached or
fail their checks, 4 refused, 5 a cluster that fails its proof, 130 interrupted.`,
		Example: `  dualstrap check config -f cluster.yaml
  dualstrap plan -f cluster.yaml
  dualstrap create cluster -f cluster.yaml --dry-run`,
		// Main prints errors, once, with hints; the usage text after an error would push it out of sight.
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &cli.UsageError{Err: err} })
	root.AddCommand(
		group("check", "Check manifests, hosts, or the cluster", newCheckConfig(streams), newCheckPreflight(streams), newCheckCluster(streams)),
		newPlan(streams),
		newRender(streams),
		group("create", "Create a cluster", newCreateCluster(streams)),
		group("reset", "Delete the cluster or nodes, and restore hosts", newResetCluster(streams), newResetNodes(streams)),
		group("rotate", "Replace keys of a cluster", newRotateEncryptionKey(streams)),
		group("bundle", "Build, inspect, sign, and unpack bundles",
			newBundleBuild(streams), newBundleInspect(streams), newBundleSign(streams), newBundleExtract(streams)),
		newLab(streams),
		newAgent(streams),
		newSchema(streams),
		newController(streams),
		newVersion(streams),
	)
	commandGroup(root)
	return root
}

// group returns a command that only groups others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short}
	cmd.AddCommand(commands...)
	commandGroup(cmd)
	return cmd
}

// commandGroup makes a command that groups others print its help when called without arguments. Other arguments are
// unknown commands, as cobra has matched those that it knows: they are a usage error, which suggests similar names.
func commandGroup(cmd *cobra.Command) {
	// The edit distance up to which names are similar. It is cobra's default, which SuggestionsFor does not apply.
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		err := fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
		if near := suggestions(cmd, args[0]); len(near) > 0 {
			err = fmt.Errorf("%w: did you mean %s?", err, strings.Join(near, " or "))
		}
		return &cli.UsageError{Err: err}
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// suggestions returns the names of the commands that a user may have meant: the one that had the name in an earlier
// version, or else those with a similar name.
func suggestions(cmd *cobra.Command, name string) []string {
	for _, sub := range cmd.Commands() {
		if slices.Contains(sub.SuggestFor, name) {
			return []string{sub.Name()}
		}
	}
	return cmd.SuggestionsFor(name)
}

// noArgs is the argument check of commands that take flags only.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return cli.Usagef("%s takes no arguments, got %q", cmd.CommandPath(), args[0])
}
