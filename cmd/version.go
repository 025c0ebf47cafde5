package cmd

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/cmd/internal/cli"
)

// versionReport is the result of `version -o json`.
type versionReport struct {
	Version string `json:"version"`
	// Kubernetes lists the releases that bundles can be built of, oldest first.
	Kubernetes []string `json:"kubernetes"`
	Go         string   `json:"go"`
	// Platform is OS/ARCHITECTURE, as in linux/amd64.
	Platform string `json:"platform"`
}

// newVersion returns the command version. A version of dualstrap supports a fixed list of Kubernetes releases.
func newVersion(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version of dualstrap and the Kubernetes releases it supports",
		Example: "  dualstrap version -o json",
		Args:    noArgs,
	}
	format := cli.AddFormat(cmd, cli.Text, cli.JSON)
	cmd.RunE = func(*cobra.Command, []string) error {
		report := versionReport{
			Version:  cli.Version(),
			Go:       runtime.Version(),
			Platform: runtime.GOOS + "/" + runtime.GOARCH,
		}
		for _, release := range api.Releases() {
			report.Kubernetes = append(report.Kubernetes, release.Kubernetes)
		}
		if format.String() == cli.JSON {
			return cli.WriteJSON(streams.Out, report)
		}
		_, err := fmt.Fprintf(streams.Out, "dualstrap %s (Kubernetes %s; %s %s)\n",
			report.Version, strings.Join(report.Kubernetes, ", "), report.Go, report.Platform)
		return err
	}
	return cmd
}
