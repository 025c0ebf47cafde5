package cmd

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/provision/load"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/provision/workspace"
)

// runReport holds the fields with which the reports of create cluster, reset, and rotate encryption-key begin. Reports
// are printed with -o json and kept as report.json, so the names are a contract with scripts (docs/output.md).
type runReport struct {
	Cluster string `json:"cluster"`
	// Version is that of the dualstrap executable, not of Kubernetes.
	Version string `json:"version"`
	OK      bool   `json:"ok"`
	// Error is the error that ended the run, as printed on standard error; empty when OK is set.
	Error string    `json:"error,omitempty"`
	Began time.Time `json:"began"`
	// Seconds is the duration of the run, with milliseconds.
	Seconds float64 `json:"seconds"`
	// Changes is the number of changes on all hosts and in the cluster.
	Changes int `json:"changes"`
}

// newRunReport returns the common part of a report for a run that began at the given time and ends now, with err. The
// workflow's report is nil when the run ended before its first phase.
func newRunReport(loaded load.Cluster, run *workflow.Report, began time.Time, err error) runReport {
	report := runReport{
		Cluster: loaded.Config.Name, Version: cli.Version(), OK: err == nil,
		Began: began.UTC().Truncate(time.Second), Seconds: time.Since(began).Round(time.Millisecond).Seconds(),
		Changes: countChanges(run),
	}
	if err != nil {
		report.Error = err.Error()
	}
	return report
}

// countChanges returns the number of changes that a run made on all hosts and in the cluster. Changes of the cluster are
// listed under the host that applied them.
func countChanges(run *workflow.Report) int {
	if run == nil {
		return 0
	}
	count := 0
	for _, host := range run.Hosts {
		for _, phase := range host.Phases {
			count += len(phase.Changes)
		}
	}
	return count
}

// runOutput delivers the result of a run: to the workspace, to standard output, and in the error.
type runOutput struct {
	run    *workspace.Run
	out    io.Writer
	format *cli.Format
}

// finish writes the report to report.json in the workspace, prints it on standard output, as JSON or as the text that
// text returns, and returns the error of the run joined with those of writing. A failed run is reported as well: its
// report shows how far it came. Any error is joined with one that names the directory of the logs, in the last line that a
// user sees.
func (o runOutput) finish(report any, text func() string, err error) error {
	err = errors.Join(err, o.run.WriteReport(report))
	if o.format.String() == cli.JSON {
		err = errors.Join(err, cli.WriteJSON(o.out, report))
	} else {
		_, writing := io.WriteString(o.out, text())
		err = errors.Join(err, writing)
	}
	if err != nil {
		return errors.Join(err, fmt.Errorf("logs: %s", o.run.Dir))
	}
	return nil
}

// writeRun prints a table with the status of each phase on each host.
func writeRun(out *strings.Builder, run *workflow.Report) {
	fmt.Fprint(out, "\n")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "HOST\tPHASE\tSTATUS\tCHANGES\tSECONDS\n")
	for _, host := range run.Hosts {
		for _, phase := range host.Phases {
			fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%.1f\n",
				host.Address, phase.Name, phase.Status, len(phase.Changes), phase.Seconds)
		}
	}
	table.Flush()
}

// changesShown is the largest number of changes that writeChanges lists. A first run makes hundreds, which would hide
// the rest of the output; report.json lists them all.
const changesShown = 30

// writeChanges lists the changes of a run, unless there are more than changesShown.
func writeChanges(out *strings.Builder, run *workflow.Report, changes int) {
	if changes == 0 || changes > changesShown {
		return
	}
	fmt.Fprint(out, "\nchanged:\n")
	for _, host := range run.Hosts {
		for _, phase := range host.Phases {
			for _, change := range phase.Changes {
				fmt.Fprintf(out, "  %s %s: %s\n", host.Address, phase.Name, cli.Visible(change))
			}
		}
	}
}
