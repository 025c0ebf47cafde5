package cmd

import (
	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
)

func newResetCluster(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster -f FILE",
		Short: "Take back on all hosts what create cluster did",
		Long: `Take back on all hosts of the manifests what create cluster did there: the cluster is gone afterwards,
with all that it keeps on its hosts, and the hosts are as they were. docs/reset.md lists what stays.

It asks first, or wants --yes. A host of another cluster is refused, before anything is changed; one on
which nothing was done stays as it is. Hosts that cannot be reached are named, and make the exit code 3.
It can be cut off at any time and run again. Logs and a report are left in WORKSPACE/NAME; the cluster's
kubeconfig goes when all hosts are reset.`,
		Example: `  dualstrap reset cluster -f cluster.yaml
  dualstrap reset cluster -f cluster.yaml --yes -o json | jq .changes`,
		Args:        noArgs,
		Annotations: map[string]string{gracefulStop: "yes"},
	}
	r := addReset(cmd, streams)
	cmd.Flags().BoolVar(&r.options.Force, "force", false,
		"go on where containerd does not start: what pods have in the kernel stays until the next start")
	return cmd
}

// addReset gives a command what both resets have.
func addReset(cmd *cobra.Command, streams cli.Streams) *reset {
	r := &reset{streams: streams}
	manifests := cli.AddManifests(cmd)
	r.format = cli.AddFormat(cmd, cli.Text, cli.JSON)
	r.flags = cli.AddHosts(cmd)
	cmd.Flags().BoolVarP(&r.yes, "yes", "y", false, "do not ask")
	workspaces := addWorkspaces(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var err error
		if r.loaded, err = manifests.Valid(streams); err != nil {
			return err
		}
		r.workspaces = *workspaces
		return r.run(cmd.Context())
	}
	return r
}
