package cmd

import (
	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/render/planview"
)

// newPlan returns the command plan. It works offline: the allocator is deterministic, so the plan for given manifests is the
// one that create assigns to a new cluster.
func newPlan(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan -f FILE",
		Short: "Print the address plan: ranges, podCIDRs of nodes, and free blocks",
		Long: `Print the address plan for a cluster that does not exist yet: every range, the podCIDRs of every node, and
how many blocks are free. The plan depends on the manifests alone; create uses the same one.`,
		Example: `  dualstrap plan -f cluster.yaml
  dualstrap plan -f cluster.yaml -o json | jq '.nodes[].podCIDRs'
  dualstrap plan -f cluster.yaml -o svg > plan.svg`,
		Args: noArgs,
	}
	manifests := cli.AddManifests(cmd)
	format := cli.AddFormat(cmd, cli.Text, cli.JSON, cli.YAML, cli.SVG)
	cmd.RunE = func(*cobra.Command, []string) error {
		loaded, err := manifests.Valid(streams)
		if err != nil {
			return err
		}
		switch format.String() {
		case cli.JSON:
			return cli.WriteJSON(streams.Out, loaded.Plan)
		case cli.YAML:
			return cli.WriteYAML(streams.Out, loaded.Plan)
		case cli.SVG:
			return planview.SVG(streams.Out, loaded.Config, loaded.Plan)
		default: // text; on a terminal headings are bold and exhausted ranges red
			out, color := streams.Color()
			return planview.Text(out, loaded.Config, loaded.Plan, color)
		}
	}
	return cmd
}
