package cmd

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/internal/amount"
)

// inspection is the result of `bundle inspect -o json`.
type inspection struct {
	OK       bool            `json:"ok"`
	Flaws    []bundle.Flaw   `json:"flaws"`
	Manifest bundle.Manifest `json:"manifest"`
}

func newBundleInspect(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "inspect DIR",
		Short: "List what a bundle holds and verify every digest",
		Long: `List what a bundle holds, for which nodes, and verify the digest of every file. It fails when a
file is missing, damaged, or not listed in the bundle's manifest.json.`,
		Example: `  dualstrap bundle inspect bundle
  dualstrap bundle inspect bundle -o json | jq -r '.manifest.files[].name'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.Usagef("%s takes the folder of a bundle, got %q", cmd.CommandPath(), args)
			}
			return nil
		},
	}
	format := cli.AddFormat(cmd, cli.Text, cli.JSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		folder, err := bundle.Open(args[0])
		if err != nil {
			return err
		}
		verified := folder.Verify(cmd.Context())
		report := inspection{OK: verified == nil, Flaws: []bundle.Flaw{}, Manifest: folder.Manifest}
		var flawed *bundle.FlawedError
		if errors.As(verified, &flawed) {
			report.Flaws = flawed.Flaws
		} else if verified != nil {
			return verified
		}
		if format.String() == cli.JSON {
			err = cli.WriteJSON(streams.Out, report)
		} else {
			err = listBundle(streams.Out, folder.Manifest)
		}
		return errors.Join(verified, err)
	}
	return cmd
}

// listBundle prints the files of a bundle as a table.
func listBundle(w io.Writer, manifest bundle.Manifest) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KIND\tNAME\tVERSION\tSIZE\tNODES") //nolint:errcheck // Flush tells
	var size int64
	for _, file := range manifest.Files {
		roles := make([]string, len(file.Roles))
		for i, role := range file.Roles {
			roles[i] = string(role)
		}
		size += file.Size
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", //nolint:errcheck // as above
			cli.Visible(file.Kind), cli.Visible(file.Name), cli.Visible(file.Version), mebibytes(file.Size), cli.Visible(strings.Join(roles, ",")))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "Kubernetes %s for %s, built with %s: %s, %s\n", cli.Visible(manifest.KubernetesVersion),
		cli.Visible(manifest.Architecture), cli.Visible(manifest.GoVersion), amount.Of(len(manifest.Files), "file"), mebibytes(size))
	return err
}
