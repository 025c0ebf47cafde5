package cmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/internal/amount"
	"github.com/dualstrap/dualstrap/provision"
)

// configReport is the result of `check config -o json`.
type configReport struct {
	Valid    bool         `json:"valid"`
	Problems api.Problems `json:"problems"`
}

func newCheckConfig(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config -f FILE",
		Short: "Check manifests and the address plan that follows from them, touching no host",
		Long: `Check manifests strictly: unknown fields, wrong types, every rule, and whether every node
gets pod ranges. All problems are reported at once, each with its file, line and column.`,
		Example: `  dualstrap check config -f cluster.yaml
  dualstrap check config -f manifests/ -o json`,
		Args: noArgs,
	}
	manifests := cli.AddManifests(cmd)
	format := cli.AddFormat(cmd, cli.Text, cli.JSON)
	cmd.RunE = func(*cobra.Command, []string) error {
		verdict, err := manifests.Judge(streams)
		if err != nil {
			return err
		}
		if err := writeConfigReport(streams.Out, format.String(), verdict); err != nil {
			return err
		}
		return cli.Invalid(verdict.Problems)
	}
	return cmd
}

func writeConfigReport(w io.Writer, format string, verdict provision.Verdict) error {
	if format == cli.JSON {
		report := configReport{Valid: !verdict.Problems.HasErrors(), Problems: verdict.Problems}
		if report.Problems == nil {
			report.Problems = api.Problems{} // an empty list, not null
		}
		return cli.WriteJSON(w, report)
	}
	if err := cli.WriteProblems(w, verdict.Problems); err != nil {
		return err
	}
	if verdict.Problems.HasErrors() {
		return nil
	}
	config := verdict.Config
	_, warnings := verdict.Problems.Counts()
	_, err := fmt.Fprintf(w, "valid: cluster %s with Kubernetes %s, %s in %s, %s, %s\n",
		config.Name, config.Kubernetes.Kubernetes, amount.Of(len(verdict.Plan.Nodes), "node"),
		amount.Of(len(config.Pools), "pool"), amount.Of(len(config.CIDRConfigs), "ClusterCIDRConfig"),
		amount.Of(warnings, "warning"))
	return err
}
