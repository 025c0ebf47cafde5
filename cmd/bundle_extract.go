package cmd

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/cmd/internal/cli"
)

// newBundleExtract returns the command bundle extract. A workstation needs kubectl, and tests need an API server and etcd, of
// the version of the cluster: the bundle has them.
func newBundleExtract(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "extract DIR PROGRAM... --output-dir OUT",
		Short: "Extract programs from a bundle",
		Long: `Extract programs from a bundle, such as kubectl for a workstation. Programs have the names that bundle
inspect lists; the name of an image stands for the program that the image runs.`,
		Example: `  dualstrap bundle extract bundle kubectl --output-dir ~/bin
  dualstrap bundle extract bundle etcd kube-apiserver --output-dir programs`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return cli.Usagef("%s takes the directory of a bundle and the names of programs, got %q", cmd.CommandPath(), args)
			}
			return nil
		},
	}
	dir := cmd.Flags().String("output-dir", "", "the directory to write the programs to")
	_ = cmd.MarkFlagDirname("output-dir") // it returns an error only for a flag that does not exist
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if *dir == "" {
			return cli.Usagef("no directory to write to: name one with --output-dir")
		}
		bundleDir, err := bundle.Open(args[0])
		if err != nil {
			return err
		}
		for _, name := range args[1:] {
			if err := bundleDir.Extract(name, *dir); err != nil {
				return err
			}
			// The path of each program is printed when it is complete, so that scripts can use the output.
			if _, err := fmt.Fprintln(streams.Out, cli.Visible(filepath.Join(*dir, name))); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}
