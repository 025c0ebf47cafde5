package cmd

import (
	"fmt"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/provision/load"
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
	// Host is the address of the node the file is for; empty for manifests of the cluster.
	Host string `json:"host,omitempty"`
	Path string `json:"path"`
	// Mode is the permissions in octal, for example "0600".
	Mode    string `json:"mode"`
	Content string `json:"content"`
}

// printDryRun prints the plan and everything that create would write, without connecting to any host. Values that are
// known only then are rendered as "(known after probe)" or "(known after init)".
func printDryRun(streams cli.Streams, loaded load.Cluster, format *cli.Format) error {
	files, err := render.All(render.Input{Config: loaded.Config, Plan: loaded.Plan, Version: cli.Version()})
	if err != nil {
		return err
	}
	if format.String() == cli.JSON {
		return cli.WriteJSON(streams.Out, newDryRunReport(loaded.Plan, files))
	}
	return writeDryRun(streams, loaded, files)
}

// newDryRunReport returns the report in the form that -o json prints.
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

// writeDryRun prints the plan, then each file under a line with its host, path and mode.
func writeDryRun(streams cli.Streams, loaded load.Cluster, files []render.File) error {
	colored, color := streams.Color()
	if err := planview.Text(colored, loaded.Config, loaded.Plan, color); err != nil {
		return err
	}
	for _, file := range files {
		place := "cluster"
		if file.Host != "" {
			place = file.Host
		}
		if _, err := fmt.Fprintf(streams.Out, "\n==> %s %s (%#o)\n%s", place, file.Path, file.Mode.Perm(), file.Content); err != nil {
			return err
		}
	}
	return nil
}
