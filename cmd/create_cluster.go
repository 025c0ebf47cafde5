package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/internal/plural"
	"github.com/dualstrap/dualstrap/provision/create"
	"github.com/dualstrap/dualstrap/provision/load"
	"github.com/dualstrap/dualstrap/provision/proof"
	"github.com/dualstrap/dualstrap/provision/prove"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/provision/workspace"
)

// createReport is the result of `create cluster -o json`, and the run's report.json.
type createReport struct {
	runReport

	// Ignored lists the checks named with --ignore-checks, whether or not they failed.
	Ignored []string `json:"ignoredChecks"`
	// Unlisted lists nodes of the cluster that are missing from the manifests. They are left alone.
	Unlisted  []string `json:"unlistedNodes"`
	Preflight any      `json:"preflight"`
	// Run is null when the preflight checks failed, so that no phase started.
	Run *workflow.Report `json:"run"`
	// Proof is null when the run failed earlier, or with --skip-verify.
	Proof *proof.Report `json:"proof"`
}

// newCreateCluster returns the command create cluster. It has the annotation gracefulStop: an interrupted run still stops on
// all hosts, releases its locks, and writes its report.
func newCreateCluster(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster -f FILE",
		Short: "Create the cluster, or reconcile it with its manifests",
		Long: `Create the cluster that the manifests describe, or reconcile an existing one with them. All hosts are
checked first; nothing is changed on any host while one of them fails a check. Only what differs from the
manifests is changed, so run the command again after a failure, after a change of the manifests, or at any
time to repair drift. The last step is the proof that check cluster runs; if it fails, the exit code is 5.

Logs, a report and the kubeconfig are written to WORKSPACE/NAME. A dry run uses the manifests alone,
opens no network connection, and prints every file and manifest that would be written.`,
		Example: `  dualstrap create cluster -f cluster.yaml
  dualstrap create cluster -f cluster.yaml --dry-run | less
  dualstrap create cluster -f cluster.yaml --dry-run -o json | jq -r '.files[].path'`,
		Args:        noArgs,
		Annotations: map[string]string{gracefulStop: "yes"},
	}
	manifests := cli.AddManifests(cmd)
	format := cli.AddFormat(cmd, cli.Text, cli.JSON)
	flags := cli.AddSession(cmd)
	dryRun := cmd.Flags().Bool("dry-run", false, "print what would be written, without changing anything")
	verbose := addVerbose(cmd)
	skipVerify := cmd.Flags().Bool("skip-verify", false, "skip the proof at the end")
	workspaces := addWorkspaces(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		loaded, err := manifests.Valid(streams)
		if err != nil {
			return err
		}
		if *dryRun {
			return printDryRun(streams, loaded, format)
		}
		creation := creation{streams: streams, flags: flags, loaded: loaded, format: format, skipVerify: *skipVerify, verbose: *verbose}
		return creation.run(cmd.Context(), *workspaces)
	}
	return cmd
}

// addWorkspaces adds the --workspace-dir flag, which names the directory for logs, reports and kubeconfigs, to the
// command, and returns its value.
func addWorkspaces(cmd *cobra.Command) *string {
	dir := cmd.Flags().String("workspace-dir", workspace.DefaultDir,
		"the directory of workspaces; the files of this cluster are in its subdirectory NAME")
	_ = cmd.MarkFlagDirname("workspace-dir") // it returns an error only for a flag that does not exist
	return dir
}

// creation is a single run of create cluster.
type creation struct {
	streams cli.Streams
	flags   *cli.SessionFlags
	loaded  load.Cluster
	format  *cli.Format
	// skipVerify skips the proof.
	skipVerify bool
	// verbose prints each result of the proof.
	verbose bool
	// proof is the report of the proof; nil until it has run.
	proof *proof.Report
}

// run creates or reconciles the cluster. The bundle is opened before the workspace is made: without a bundle the run
// cannot start, and leaves no directory behind.
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
	s, done, err := c.flags.Open(c.streams, c.loaded, cli.SessionRun{Bundle: bundleDir, Run: run})
	if err != nil {
		return err
	}
	outcome, err := create.Run(ctx, s)
	if err == nil && !c.skipVerify {
		err = c.prove(ctx, s)
	}
	done() // remove the lines of progress before anything is printed
	if outcome.Kubeconfig != nil {
		// Also after a failure: the cluster may exist, and the user needs access to find out what is wrong.
		err = errors.Join(err, run.WriteKubeconfig(outcome.Kubeconfig))
	}
	report := c.report(outcome, began, err)
	output := runOutput{run: run, out: c.streams.Out, format: c.format}
	return output.finish(report, func() string { return c.text(report, outcome, run) }, err)
}

// prove runs the proof, the last step, and keeps its report. It returns an error when a check of the proof failed.
func (c *creation) prove(ctx context.Context, s *session.Session) error {
	report, err := prove.Run(ctx, s)
	if err != nil {
		return err
	}
	c.proof = &report
	return report.Err()
}

// report returns the run's report. Lists are never nil, so that they are [] in JSON, not null.
func (c *creation) report(outcome create.Outcome, began time.Time, err error) createReport {
	return createReport{
		runReport: newRunReport(c.loaded, outcome.Run, began, err),
		Ignored:   c.flags.Ignored(), Unlisted: append([]string{}, outcome.Unlisted...),
		Preflight: outcome.Checks, Run: outcome.Run, Proof: c.proof,
	}
}

// text returns the report for a person: findings of the checks, phases, changes, the proof, and the next command.
func (c *creation) text(report createReport, outcome create.Outcome, run *workspace.Run) string {
	var out strings.Builder
	writeFindings(&out, outcome.Checks.Hosts)
	if outcome.Run != nil {
		writeRun(&out, outcome.Run)
		writeChanges(&out, outcome.Run, report.Changes)
	}
	for _, name := range outcome.Unlisted {
		fmt.Fprintf(&out, "\nnode %s is in the cluster and not in the manifests: it is left alone\n", name)
	}
	if c.proof != nil {
		fmt.Fprint(&out, "\n")
		writeProof(&out, report.Cluster, *c.proof, c.verbose)
	}
	if report.OK {
		changes := plural.Of(report.Changes, "change")
		fmt.Fprintf(&out, "\ncluster %s is as its manifests say: %s in %.1f s\n", report.Cluster, changes, report.Seconds)
		fmt.Fprintf(&out, "kubectl --kubeconfig %s get nodes -o wide\n", run.Kubeconfig)
	}
	return out.String()
}
