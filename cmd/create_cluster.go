package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/internal/plural"
	"github.com/dualstrap/dualstrap/provision"
	"github.com/dualstrap/dualstrap/provision/proof"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/provision/workspace"
)

// createReport is the result of `create cluster -o json`, and the run's report.json.
type createReport struct {
	runReport

	Ignored []string `json:"ignoredChecks"`
	// Unlisted are nodes of the cluster that the manifests do not have.
	Unlisted  []string `json:"unlistedNodes"`
	Preflight any      `json:"preflight"`
	// Run is null when the preflight did not let it begin.
	Run *workflow.Report `json:"run"`
	// Proof is null when it was not come to.
	Proof *proof.Report `json:"proof"`
}

func newCreateCluster(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster -f FILE",
		Short: "Make the hosts be the cluster, or bring it up to date",
		Long: `Make the hosts of the manifests be their cluster. Every host is checked first, and nothing is changed
anywhere while one fails. What is as it should be stays as it is: run it again after a failure, after
a change of the manifests, or at any time to repair what has drifted. The last step is the proof of
check cluster; when it fails, the exit code is 5.

Logs, a report and the kubeconfig are left in WORKSPACE/NAME. A dry run works from the manifests alone,
opens no network connection and prints every file and manifest that would be written.`,
		Example: `  dualstrap create cluster -f cluster.yaml
  dualstrap create cluster -f cluster.yaml --dry-run | less
  dualstrap create cluster -f cluster.yaml --dry-run -o json | jq -r '.files[].path'`,
		Args:        noArgs,
		Annotations: map[string]string{gracefulStop: "yes"},
	}
	manifests := cli.AddManifests(cmd)
	format := cli.AddFormat(cmd, cli.Text, cli.JSON)
	flags := cli.AddSession(cmd)
	dryRun := cmd.Flags().Bool("dry-run", false, "print what would be written, touch nothing")
	skipVerify := cmd.Flags().Bool("skip-verify", false, "leave out the proof at the end")
	workspaces := addWorkspaces(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		loaded, err := manifests.Valid(streams)
		if err != nil {
			return err
		}
		if *dryRun {
			return printDryRun(streams, loaded, format)
		}
		creation := creation{streams: streams, flags: flags, loaded: loaded, format: format, skipVerify: *skipVerify}
		return creation.run(cmd.Context(), *workspaces)
	}
	return cmd
}

// addWorkspaces gives the command the flag of where a run leaves its files.
func addWorkspaces(cmd *cobra.Command) *string {
	dir := cmd.Flags().String("workspace-dir", workspace.DefaultDir, "the directory of workspaces; this cluster's files are in NAME/ below it")
	_ = cmd.MarkFlagDirname("workspace-dir") // it fails only for a flag that does not exist
	return dir
}

// creation is one run of create cluster.
type creation struct {
	streams cli.Streams
	flags   *cli.SessionFlags
	loaded  provision.Loaded
	format  *cli.Format
	// skipVerify leaves out the proof, which is in proof otherwise once it was made.
	skipVerify bool
	proof      *proof.Report
}

func (c *creation) run(ctx context.Context, workspaces string) (err error) {
	bundleDir, err := c.flags.OpenBundle(c.loaded)
	if err != nil {
		return err
	}
	began := time.Now()
	run, err := workspace.Begin(workspaces, c.loaded.Config.Name, "create-cluster", began)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	session, done, err := c.flags.Open(c.streams, c.loaded, cli.SessionRun{Bundle: bundleDir, Run: run})
	if err != nil {
		return err
	}
	outcome, err := session.Create(ctx)
	if err == nil && !c.skipVerify {
		err = c.prove(ctx, session)
	}
	done()
	if outcome.Kubeconfig != nil {
		err = errors.Join(err, run.WriteKubeconfig(outcome.Kubeconfig))
	}
	report := c.report(outcome, began, err)
	err = errors.Join(err, run.WriteReport(report))
	if c.format.String() == cli.JSON {
		err = errors.Join(err, cli.WriteJSON(c.streams.Out, report))
	} else {
		err = errors.Join(err, c.print(report, outcome, run))
	}
	if err != nil {
		return &loggedError{err: err, dir: run.Dir}
	}
	return nil
}

// prove is the last step.
func (c *creation) prove(ctx context.Context, session *provision.Session) error {
	report, err := session.Prove(ctx)
	if err != nil {
		return err
	}
	c.proof = &report
	return report.Err()
}

// loggedError says where there is more to read about an error.
type loggedError struct {
	err error
	dir string
}

func (e *loggedError) Error() string { return e.err.Error() + "\nlogs: " + e.dir }
func (e *loggedError) Unwrap() error { return e.err }

func (c *creation) report(outcome provision.Outcome, began time.Time, err error) createReport {
	return createReport{
		runReport: newRunReport(c.loaded, outcome.Run, began, err),
		Ignored:   c.flags.Ignored(), Unlisted: append([]string{}, outcome.Unlisted...),
		Preflight: outcome.Checks, Run: outcome.Run, Proof: c.proof,
	}
}

// runReport is what the reports of all runs begin with.
type runReport struct {
	Cluster string    `json:"cluster"`
	Version string    `json:"version"`
	OK      bool      `json:"ok"`
	Error   string    `json:"error,omitempty"`
	Began   time.Time `json:"began"`
	Seconds float64   `json:"seconds"`
	Changes int       `json:"changes"`
}

func newRunReport(loaded provision.Loaded, run *workflow.Report, began time.Time, err error) runReport {
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

// countChanges counts what was changed, on all hosts and in the cluster.
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

// print says what was found and done, and how to go on.
func (c *creation) print(report createReport, outcome provision.Outcome, run *workspace.Run) error {
	var out strings.Builder
	for _, host := range outcome.Checks.Hosts {
		writeFindings(&out, host)
	}
	if outcome.Run != nil {
		writeRun(&out, outcome.Run)
		writeChanges(&out, outcome.Run, report.Changes)
	}
	for _, name := range outcome.Unlisted {
		fmt.Fprintf(&out, "\nnode %s is in the cluster and not in the manifests: it is left alone\n", name)
	}
	if c.proof != nil {
		fmt.Fprint(&out, "\n")
		writeProof(&out, report.Cluster, *c.proof)
	}
	if report.OK {
		changes := plural.Of(report.Changes, "change")
		fmt.Fprintf(&out, "\ncluster %s is as its manifests say: %s in %.1f s\n", report.Cluster, changes, report.Seconds)
		fmt.Fprintf(&out, "kubectl --kubeconfig %s get nodes -o wide\n", run.Kubeconfig)
	}
	_, err := io.WriteString(c.streams.Out, out.String())
	return err
}

// changesShown is how many changes are listed. A first run has hundreds, which are in its report.
const changesShown = 30

// writeChanges lists what a later run has changed.
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

// writeRun prints a table of what each phase came to on each host.
func writeRun(out *strings.Builder, run *workflow.Report) {
	fmt.Fprint(out, "\n")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "HOST\tPHASE\tSTATUS\tCHANGES\tSECONDS\n") //nolint:errcheck // it is memory
	for _, host := range run.Hosts {
		for _, phase := range host.Phases {
			fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%.1f\n", //nolint:errcheck // as above
				host.Address, phase.Name, phase.Status, len(phase.Changes), phase.Seconds)
		}
	}
	table.Flush() //nolint:errcheck,gosec // as above
}
