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
	"github.com/dualstrap/dualstrap/provision/load"
	"github.com/dualstrap/dualstrap/provision/rotate"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/provision/workspace"
)

// rotateReport is the result of `rotate encryption-key -o json`, and the run's report.json.
type rotateReport struct {
	runReport

	// Key is the name of the key that Secrets are encrypted with after the run; empty when the run did not start.
	Key string `json:"key"`
	// Resumed reports whether the run finished an interrupted one, with the key that one made, instead of making a key.
	Resumed bool `json:"resumed"`
	// Rewritten is the number of Secrets that were stored again, encrypted with Key.
	Rewritten int `json:"rewrittenSecrets"`
	// Run is null when the run failed before its first phase.
	Run *workflow.Report `json:"run"`
}

// newRotateEncryptionKey returns the command rotate encryption-key. It takes no bundle: it changes files of API servers, and
// installs nothing.
func newRotateEncryptionKey(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "encryption-key -f FILE",
		Short: "Encrypt Secrets in etcd with a new key, and remove the old one",
		Long: `Generate a new key for the Secrets of a cluster with clusterSecurity.encryptSecrets, store all Secrets again,
encrypted with it, and remove the old key from the control plane nodes. There are three changes of the
configuration. API servers reload it automatically, which takes up to a minute each time. None is restarted,
and each can read every Secret at all times.

The command can be interrupted at any time: run it again to finish. Every control plane node has to be
reachable. A cluster that does not encrypt Secrets is refused, and so is one whose control plane nodes have
different keys. Older backups of etcd need the old key: see docs/encryption.md. Logs and a report are written
to WORKSPACE/NAME.`,
		Example: `  dualstrap rotate encryption-key -f cluster.yaml
  dualstrap rotate encryption-key -f cluster.yaml -o json | jq .key`,
		Args:        noArgs,
		Annotations: map[string]string{gracefulStop: "yes"},
	}
	r := &rotation{streams: streams}
	manifests := cli.AddManifests(cmd)
	r.format = cli.AddFormat(cmd, cli.Text, cli.JSON)
	r.flags = cli.AddHosts(cmd)
	workspaces := addWorkspaces(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var err error
		if r.loaded, err = manifests.Valid(streams); err != nil {
			return err
		}
		return r.run(cmd.Context(), *workspaces)
	}
	return cmd
}

// rotation is a single run of rotate encryption-key.
type rotation struct {
	streams cli.Streams
	flags   *cli.SessionFlags
	loaded  load.Cluster
	format  *cli.Format
}

// run rotates the key, or finishes a rotation that was interrupted.
func (r *rotation) run(ctx context.Context, workspaces string) (err error) {
	began := time.Now()
	run, err := workspace.Begin(workspaces, r.loaded.Config.Name, "rotate-encryption-key", began)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	s, done, err := r.flags.Open(r.streams, r.loaded, cli.SessionRun{Run: run})
	if err != nil {
		return err
	}
	outcome, err := rotate.EncryptionKey(ctx, s)
	done() // remove the lines of progress before anything is printed
	report := rotateReport{
		runReport: newRunReport(r.loaded, outcome.Run, began, err),
		Key:       outcome.Key, Resumed: outcome.Resumed, Rewritten: outcome.Rewritten, Run: outcome.Run,
	}
	output := runOutput{run: run, out: r.streams.Out, format: r.format}
	return output.finish(report, func() string { return r.text(report) }, err)
}

// text returns the report for a person.
func (r *rotation) text(report rotateReport) string {
	var out strings.Builder
	if report.Run != nil {
		writeRun(&out, report.Run)
	}
	if report.OK {
		if report.Resumed {
			fmt.Fprint(&out, "\nan earlier run had been interrupted: it is finished, with the key that it made\n")
		}
		fmt.Fprintf(&out, "\nSecrets of cluster %s are encrypted with %s: %s stored again in %.1f s\n",
			report.Cluster, report.Key, plural.Of(report.Rewritten, "Secret"), report.Seconds)
		fmt.Fprint(&out, "back the new key up: docs/encryption.md\n")
	}
	return out.String()
}
