package cmd

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/internal/plural"
	"github.com/dualstrap/dualstrap/render"
	"github.com/dualstrap/dualstrap/render/tree"
)

// newRender returns the command render. Its output is reproducible, so that two directories can be compared to see what a
// change of the manifests, or another version of dualstrap, would change.
func newRender(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "render -f FILE --output-dir DIR",
		Short: "Render all files and manifests without touching a host",
		Long: `Render all files that create would write to hosts and all manifests that it would apply to the cluster, into
one directory per host, named by its address, and one named cluster. Values that are not known yet are rendered
as (known after probe) or (known after init). Rendering again updates the directory.`,
		Example: `  dualstrap render -f cluster.yaml --output-dir rendered
  diff -r rendered.old rendered`,
		Args: noArgs,
	}
	manifests := cli.AddManifests(cmd)
	format := cli.AddFormat(cmd, cli.Text, cli.JSON)
	dir := cmd.Flags().String("output-dir", "", "the directory to write to: new, empty, or from an earlier render")
	_ = cmd.MarkFlagDirname("output-dir") // it returns an error only for a flag that does not exist
	cmd.RunE = func(*cobra.Command, []string) error {
		if *dir == "" {
			return cli.Usagef("no directory to write to: name one with --output-dir")
		}
		loaded, err := manifests.Valid(streams)
		if err != nil {
			return err
		}
		files, err := render.All(render.Input{Config: loaded.Config, Plan: loaded.Plan, Version: cli.Version()})
		if err != nil {
			return err
		}
		index, err := tree.Write(*dir, files)
		if err != nil {
			return err
		}
		if format.String() == cli.JSON {
			return cli.WriteJSON(streams.Out, index)
		}
		_, err = fmt.Fprintf(streams.Out, "rendered %s for %s and the cluster into %s\n",
			plural.Of(len(index.Files), "file"), plural.Of(len(loaded.Plan.Nodes), "host"), cli.Visible(*dir))
		return err
	}
	return cmd
}
