package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
)

// exitGrace is how long a command that was interrupted has to stop what it started.
const exitGrace = 2 * time.Second

// gracefulStop is the annotation of commands that take the time they need to stop.
const gracefulStop = "stops-cleanly"

// Main runs the command line and gives the process's exit code. Ctrl-C and SIGTERM end it within
// moments, whatever runs, even a read of something that never ends, and a second one ends it at once:
// all that is written to disk is written so that a run can be cut off at any point. Commands that stop
// cleanly are waited for, until the second signal.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	streams, flush := cli.NewStreams(in, out, errOut)
	defer flush()
	root := newRoot(streams)
	root.SetArgs(args)
	clean := false
	if called, _, err := root.Find(args); err == nil {
		clean = called.Annotations[gracefulStop] != ""
	}
	ended := make(chan error, 1)
	go func() {
		called, err := root.ExecuteContextC(ctx)
		if err != nil && ctx.Err() == nil {
			report(streams.Err, called, err)
		}
		ended <- err
	}()
	select {
	case err := <-ended:
		return cli.ExitCode(err)
	case <-ctx.Done():
		stop() // from here on a signal does what it does by default
		if clean {
			return cli.ExitCode(<-ended)
		}
		select {
		case <-ended: //nolint:errcheck // it was interrupted, whatever it made of that
		case <-time.After(exitGrace):
		}
		fmt.Fprintln(errOut, "dualstrap: interrupted") //nolint:errcheck // there is nowhere left to say it
		return cli.ExitInterrupted
	}
}

// report prints what went wrong, once, and where the command line itself was wrong, how to learn
// more.
func report(w io.Writer, called *cobra.Command, err error) {
	var ended *cli.ExitError
	if errors.As(err, &ended) {
		return // a command that the user named has said it all
	}
	fmt.Fprintf(w, "dualstrap: %s\n", cli.Visible(err.Error())) //nolint:errcheck // there is nowhere left to say it
	var usage *cli.UsageError
	if errors.As(err, &usage) {
		fmt.Fprintf(w, "try: %s --help\n", called.CommandPath()) //nolint:errcheck // as above
	}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		fmt.Fprintf(w, "try: %s\n", cli.Visible(hinted.Hint())) //nolint:errcheck // as above
	}
}

func newRoot(streams cli.Streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "dualstrap",
		Short: "Turn bare Linux hosts into a proven dual-stack Kubernetes cluster",
		Long: `dualstrap turns bare Linux hosts into a proven IPv4/IPv6 dual-stack Kubernetes cluster.

It reads the manifests of Google Distributed Cloud for bare metal: Namespace, Cluster, NodePool
and ClusterCIDRConfig. The result of a command goes to standard output, all else to standard error.

Exit codes: 0 done, 1 failed, 2 wrong usage or invalid manifests, 3 hosts that cannot be reached or
fail their checks, 4 refused, 5 a cluster that is not proven, 130 interrupted.`,
		Example: `  dualstrap check config -f cluster.yaml
  dualstrap plan -f cluster.yaml
  dualstrap create cluster -f cluster.yaml --dry-run`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &cli.UsageError{Err: err} })
	root.AddCommand(
		group("check", "Judge manifests, hosts and the cluster", newCheckConfig(streams), newCheckPreflight(streams), newCheckCluster(streams)),
		newPlan(streams),
		newRender(streams),
		group("create", "Create a cluster", newCreateCluster(streams)),
		group("reset", "Take back on hosts what create did", newResetCluster(streams), newResetNodes(streams)),
		group("rotate", "Replace a cluster's keys", newRotateEncryptionKey(streams)),
		group("bundle", "Build and look at what hosts need to become nodes",
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

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short}
	cmd.AddCommand(commands...)
	commandGroup(cmd)
	return cmd
}

// commandGroup makes a command without a function of its own print its help when called alone, and
// refuse words that are none of its commands.
func commandGroup(cmd *cobra.Command) {
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		err := fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			err = fmt.Errorf("%w: did you mean %s?", err, strings.Join(near, " or "))
		}
		return &cli.UsageError{Err: err}
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// noArgs is for commands that take flags only.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return cli.Usagef("%s takes no arguments, got %q", cmd.CommandPath(), args[0])
}
