package cmd

import (
	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
)

// newResetCluster returns the command reset cluster.
func newResetCluster(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster -f FILE",
		Short: "Delete the cluster and restore its hosts",
		Long: `Delete the cluster with all its data, and undo on all hosts of the manifests what create cluster did there,
which restores their previous state. docs/reset.md lists what is left.

The command asks for confirmation unless --yes is given. If a host belongs to another cluster, it is refused
before anything is changed; hosts that were never part of the cluster are left alone. Unreachable hosts are
listed, and the exit code is then 3. The command can be interrupted at any time and run again. Logs and a report
are written to WORKSPACE/NAME; the cluster's kubeconfig is removed when all hosts are reset.`,
		Example: `  dualstrap reset cluster -f cluster.yaml
  dualstrap reset cluster -f cluster.yaml --yes -o json | jq .changes`,
		Args:        noArgs,
		Annotations: map[string]string{gracefulStop: "yes"},
	}
	r := addReset(cmd, streams)
	cmd.Flags().BoolVar(&r.options.Force, "force", false,
		"continue if containerd does not start: routes and nftables tables of pods then stay in the kernel until the next boot")
	return cmd
}

// addReset adds the flags that both reset commands share to the command, and sets its RunE. The command adds flags of its
// own that change the options of the returned reset.
func addReset(cmd *cobra.Command, streams cli.Streams) *resetRun {
	r := &resetRun{streams: streams}
	manifests := cli.AddManifests(cmd)
	r.format = cli.AddFormat(cmd, cli.Text, cli.JSON)
	r.flags = cli.AddHosts(cmd)
	cmd.Flags().BoolVarP(&r.yes, "yes", "y", false, "do not ask for confirmation")
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
