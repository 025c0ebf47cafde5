package cmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/internal/plural"
	"github.com/dualstrap/dualstrap/provision/load"
)

// configReport is the result of `check config -o json`.
type configReport struct {
	Valid    bool         `json:"valid"`
	Problems api.Problems `json:"problems"`
}

// newCheckConfig returns the command check config. Its result are the problems, so it prints them on standard output; other
// commands print problems of manifests on standard error.
func newCheckConfig(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config -f FILE",
		Short: "Validate manifests and their address plan, without contacting hosts",
		Long: `Validate manifests strictly: unknown fields, wrong types, every rule, and whether there is a podCIDR of each
family for every node. All problems are reported at once, each with its file, line and column.`,
		Example: `  dualstrap check config -f cluster.yaml
  dualstrap check config -f manifests/ -o json`,
		Args: noArgs,
	}
	manifests := cli.AddManifests(cmd)
	format := cli.AddFormat(cmd, cli.Text, cli.JSON)
	cmd.RunE = func(*cobra.Command, []string) error {
		loaded, err := manifests.Load(streams)
		if err != nil {
			return err
		}
		if err := writeConfigReport(streams.Out, format.String(), loaded); err != nil {
			return err
		}
		return cli.Invalid(loaded.Problems)
	}
	return cmd
}

// writeConfigReport prints the problems of manifests, and as text a summary if they are valid.
func writeConfigReport(w io.Writer, format string, loaded load.Cluster) error {
	if format == cli.JSON {
		report := configReport{Valid: !loaded.Problems.HasErrors(), Problems: loaded.Problems}
		if report.Problems == nil {
			report.Problems = api.Problems{} // an empty list, not null
		}
		return cli.WriteJSON(w, report)
	}
	if err := cli.WriteProblems(w, loaded.Problems); err != nil {
		return err
	}
	if loaded.Problems.HasErrors() {
		return nil
	}
	config := loaded.Config
	_, warnings := loaded.Problems.Counts()
	_, err := fmt.Fprintf(w, "valid: cluster %s with Kubernetes %s, %s in %s, %s, %s\n",
		config.Name, config.Kubernetes.Kubernetes, plural.Of(len(loaded.Plan.Nodes), "node"),
		plural.Of(len(config.Pools), "pool"), plural.Of(len(config.CIDRConfigs), "ClusterCIDRConfig"),
		plural.Of(warnings, "warning"))
	return err
}
