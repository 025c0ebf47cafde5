package cmd

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/provision"
	"github.com/dualstrap/dualstrap/render"
	"github.com/dualstrap/dualstrap/render/planview"
)

// dryRunReport is the result of `create cluster --dry-run -o json`.
type dryRunReport struct {
	Plan  *api.Plan    `json:"plan"`
	Files []dryRunFile `json:"files"`
}

// dryRunFile is one file that create would write, or one manifest it would apply.
type dryRunFile struct {
	// Host is the address of the node it is for; empty for the cluster.
	Host    string `json:"host,omitempty"`
	Path    string `json:"path"`
	Mode    string `json:"mode"`
	Content string `json:"content"`
}

func newCreateCluster(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster -f FILE --dry-run",
		Short: "Print the address plan and every file that creating the cluster would write",
		Long: `Print the address plan and every file and manifest that creating the cluster would put on hosts
and into the cluster. A dry run works from the manifests alone and opens no network connection.

This version only knows the dry run: it does not change hosts yet.`,
		Example: `  dualstrap create cluster -f cluster.yaml --dry-run | less
  dualstrap create cluster -f cluster.yaml --dry-run -o json | jq -r '.files[].path'`,
		Args: noArgs,
	}
	manifests := cli.AddManifests(cmd)
	format := cli.AddFormat(cmd, cli.Text, cli.JSON)
	dryRun := cmd.Flags().Bool("dry-run", false, "print what would be written, touch nothing")
	cmd.RunE = func(*cobra.Command, []string) error {
		if !*dryRun {
			return errors.New("cannot create a cluster: this version does not change hosts yet; " +
				"try --dry-run, which prints everything that would be written")
		}
		verdict, err := manifests.Valid(streams)
		if err != nil {
			return err
		}
		files, err := provision.RenderAll(verdict, cli.Version())
		if err != nil {
			return err
		}
		if format.String() == cli.JSON {
			return cli.WriteJSON(streams.Out, newDryRunReport(verdict.Plan, files))
		}
		return writeDryRun(streams, verdict, files)
	}
	return cmd
}

func newDryRunReport(plan *api.Plan, files []render.File) dryRunReport {
	report := dryRunReport{Plan: plan, Files: make([]dryRunFile, len(files))}
	for i, file := range files {
		report.Files[i] = dryRunFile{
			Host:    file.Host,
			Path:    file.Path,
			Mode:    fmt.Sprintf("%#o", file.Mode.Perm()),
			Content: string(file.Content),
		}
	}
	return report
}

// writeDryRun prints the plan, then each file under a line that says where it goes.
func writeDryRun(streams cli.Streams, verdict provision.Verdict, files []render.File) error {
	w := streams.Out
	if err := planview.Text(w, verdict.Config, verdict.Plan, planview.TextOptions{Color: streams.Color()}); err != nil {
		return err
	}
	for _, file := range files {
		place := "cluster"
		if file.Host != "" {
			place = file.Host
		}
		if _, err := fmt.Fprintf(w, "\n==> %s %s (%#o)\n%s", place, file.Path, file.Mode.Perm(), file.Content); err != nil {
			return err
		}
	}
	return nil
}
