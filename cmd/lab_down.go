package cmd

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
)

// newLabDown returns the command lab down. It has to remove whatever an interrupted lab up has left, so it does not rely on
// records in the workspace.
func newLabDown(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Remove the lab: hosts, volumes, network and files",
		Long: `Remove everything that lab up created: the hosts with all their data, their volumes, the bridge and the
cables, and the files of the workspace, except a cluster.yaml that you have edited. The command succeeds if
there is nothing to remove, and if lab up was killed half-way. The image of the hosts is kept for the next lab.`,
		Example: `  dualstrap lab down
  dualstrap lab down --name second`,
		Args: noArgs,
	}
	flags := addLabFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		l, err := flags.open(streams)
		if err != nil {
			return err
		}
		removed, err := l.Down(cmd.Context())
		if err != nil {
			return err
		}
		said := fmt.Sprintf("the lab %s is removed", l.Name)
		if !removed.Anything {
			said = fmt.Sprintf("there is nothing of a lab %s", l.Name)
		}
		if removed.ManifestKept {
			said += fmt.Sprintf("; %s has been edited and stays", cli.Visible(l.Workspace.ManifestPath()))
		}
		_, err = fmt.Fprintln(streams.Out, said)
		return err
	}
	return cmd
}
