package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/internal/plural"
	"github.com/dualstrap/dualstrap/provision"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/provision/workspace"
)

// rotateReport is the result of `rotate encryption-key -o json`, and the run's report.json.
type rotateReport struct {
	runReport

	// Key is the name of the key that Secrets are encrypted with in the end; empty when the run did not begin.
	Key string `json:"key"`
	// Resumed says that an earlier run was finished, and no key made.
	Resumed bool `json:"resumed"`
	// Rewritten is how many Secrets were stored again.
	Rewritten int `json:"rewrittenSecrets"`
	// Run is null when it was not come to.
	Run *workflow.Report `json:"run"`
}

func newRotateEncryptionKey(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "encryption-key -f FILE",
		Short: "Encrypt Secrets in etcd with a new key, and take the old one away",
		Long: `Make a new key for the Secrets of a cluster with clusterSecurity.encryptSecrets, store all of them again with
it, and take the old key from the control plane nodes. API servers load each change by themselves, which takes
up to a minute each time, three times. None is restarted, and each can read every Secret at all times.

It can be interrupted at any time: run it again, and it finishes. Every control plane node has to take part.
A cluster that does not encrypt Secrets is refused, and so is one whose control plane nodes have different
keys. Backups of etcd from before need the old key: docs/encryption.md. Logs and a report are left in
WORKSPACE/NAME.`,
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

// rotation is one run of rotate encryption-key.
type rotation struct {
	streams cli.Streams
	flags   *cli.SessionFlags
	loaded provision.Loaded
	format  *cli.Format
}

func (r *rotation) run(ctx context.Context, workspaces string) (err error) {
	began := time.Now()
	run, err := workspace.Begin(workspaces, r.loaded.Config.Name, "rotate-encryption-key", began)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	session, done, err := r.flags.Open(r.streams, r.loaded, cli.SessionRun{Run: run})
	if err != nil {
		return err
	}
	outcome, err := session.RotateEncryptionKey(ctx)
	done()
	report := rotateReport{
		runReport: newRunReport(r.loaded, outcome.Run, began, err),
		Key:       outcome.Key, Resumed: outcome.Resumed, Rewritten: outcome.Rewritten, Run: outcome.Run,
	}
	err = errors.Join(err, run.WriteReport(report))
	if r.format.String() == cli.JSON {
		err = errors.Join(err, cli.WriteJSON(r.streams.Out, report))
	} else {
		err = errors.Join(err, r.print(report))
	}
	if err != nil {
		return &loggedError{err: err, dir: run.Dir}
	}
	return nil
}

// print says what was done.
func (r *rotation) print(report rotateReport) error {
	var out strings.Builder
	if report.Run != nil {
		writeRun(&out, report.Run)
	}
	if report.OK {
		if report.Resumed {
			fmt.Fprint(&out, "\nan earlier run was interrupted: it is finished, with the key that it made\n")
		}
		fmt.Fprintf(&out, "\nSecrets of cluster %s are encrypted with %s: %s stored again in %.1f s\n",
			report.Cluster, report.Key, plural.Of(report.Rewritten, "Secret"), report.Seconds)
		fmt.Fprint(&out, "back the new key up: docs/encryption.md\n")
	}
	_, err := io.WriteString(r.streams.Out, out.String())
	return err
}
