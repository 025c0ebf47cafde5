package cmd

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/provision/load"
	"github.com/dualstrap/dualstrap/provision/proof"
	"github.com/dualstrap/dualstrap/provision/prove"
)

// newCheckCluster returns the command check cluster, which runs the proof alone. It has the annotation gracefulStop because
// an interrupted proof still has to delete its namespace.
func newCheckCluster(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster -f FILE",
		Short: "Prove with real traffic that the cluster matches its manifests",
		Long: `Prove with real traffic that the cluster matches its manifests: nodes, connections between pods on all
nodes, Services, load balancers, and connections between pods and a host outside the cluster, both ways.
docs/proof.md lists every check with a hint for its failure. The result has a line for each check, and below it
the nodes, Services or addresses for which it failed or was skipped.

The command creates a namespace of its own and deletes it in the end, even if interrupted. Meanwhile a small
server runs on the host outside the cluster, and its port is open in that host's firewalld. Checks that cannot
run, for example without such a host, are skipped with the reason. If a check fails, the exit code is 5.`,
		Example: `  dualstrap check cluster -f cluster.yaml
  dualstrap check cluster -f cluster.yaml -v
  dualstrap check cluster -f cluster.yaml -o junit > proof.xml
  dualstrap check cluster -f cluster.yaml -o json | jq '.checks[] | select(.status != "passed")'`,
		Args:        noArgs,
		Annotations: map[string]string{gracefulStop: "yes"},
	}
	manifests := cli.AddManifests(cmd)
	format := cli.AddFormat(cmd, cli.Text, cli.JSON, cli.JUnit)
	flags := cli.AddSession(cmd)
	verbose := addVerbose(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		loaded, err := manifests.Valid(streams)
		if err != nil {
			return err
		}
		report, err := proveCluster(cmd.Context(), streams, flags, loaded)
		if err != nil {
			return err
		}
		switch name := loaded.Config.Name; format.String() {
		case cli.JSON:
			err = cli.WriteJSON(streams.Out, report)
		case cli.JUnit:
			err = cli.WriteJUnit(streams.Out, "dualstrap check cluster "+name, report)
		default:
			var out strings.Builder
			writeProof(&out, name, report, *verbose)
			_, err = io.WriteString(streams.Out, out.String())
		}
		// The report is printed before the error, so that a failed proof has its report, too.
		return errors.Join(err, report.Err())
	}
	return cmd
}

// proveCluster connects to the hosts and runs the proof. The bundle is optional: it provides the server for the host
// outside the cluster.
func proveCluster(ctx context.Context, streams cli.Streams, flags *cli.SessionFlags, loaded load.Cluster) (proof.Report, error) {
	bundleDir, err := flags.OpenBundle(loaded)
	if errors.Is(err, fs.ErrNotExist) {
		bundleDir, err = nil, nil // the checks that need it are reported as skipped, with the reason
	}
	if err != nil {
		return proof.Report{}, err
	}
	s, done, err := flags.Open(streams, loaded, cli.SessionRun{Bundle: bundleDir})
	if err != nil {
		return proof.Report{}, err
	}
	defer done()
	return prove.Run(ctx, s)
}
