package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/internal/plural"
	"github.com/dualstrap/dualstrap/provision/load"
	"github.com/dualstrap/dualstrap/provision/reset"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/provision/workspace"
)

// resetReport is the result of `reset cluster -o json` and `reset nodes -o json`, and the run's report.json.
type resetReport struct {
	runReport

	// Forced reports whether --force was given.
	Forced bool `json:"forced"`
	// Nodes lists the hosts to reset, Unreachable those of them that could not be connected to.
	Nodes       []netip.Addr            `json:"nodes"`
	Unreachable []reset.UnreachableHost `json:"unreachable"`
	// Notes lists what --force left undone.
	Notes []string `json:"notes"`
	// Run is null when the reset was refused or failed before its first phase.
	Run *workflow.Report `json:"run"`
}

// resetRun is a single run of reset cluster or reset nodes.
type resetRun struct {
	streams    cli.Streams
	flags      *cli.SessionFlags
	loaded     load.Cluster
	format     *cli.Format
	options    reset.Options
	workspaces string
	// yes skips the confirmation.
	yes bool
}

// command returns the name of the command in the workspace: its logs are in log/COMMAND-TIME.
func (r *resetRun) command() string {
	if len(r.options.Nodes) > 0 {
		return "reset-nodes"
	}
	return "reset-cluster"
}

// run validates the targets, asks for confirmation, and resets them. Mistakes of the command line and a missing
// confirmation are reported before the workspace is made: nothing has happened that needs a log.
func (r *resetRun) run(ctx context.Context) (err error) {
	targets, err := reset.Targets(r.loaded.Config, r.options)
	if err != nil {
		return usageOf(err)
	}
	if err := r.confirm(targets); err != nil {
		return err
	}
	began := time.Now()
	run, err := workspace.Begin(r.workspaces, r.loaded.Config.Name, r.command(), began)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	s, done, err := r.flags.Open(r.streams, r.loaded, cli.SessionRun{Run: run})
	if err != nil {
		return err
	}
	outcome, err := reset.Run(ctx, s, r.options)
	done() // remove the lines of progress before anything is printed
	if err == nil && len(r.options.Nodes) == 0 {
		// Only after success: a reset that failed half-way needs the kubeconfig to run again.
		err = run.RemoveKubeconfig()
	}
	report := r.report(targets, outcome, began, err)
	output := runOutput{run: run, out: r.streams.Out, format: r.format}
	return output.finish(report, func() string { return r.text(report) }, err)
}

// usageOf turns the error about unknown addresses into a usage error: they come from the --addresses flag.
func usageOf(err error) error {
	var unknown *reset.UnknownNodesError
	if errors.As(err, &unknown) {
		return &cli.UsageError{Err: err}
	}
	return err
}

// confirm asks the user for confirmation unless --yes was given. Without a terminal no one could answer, and a script
// that feeds standard input must not confirm by accident, so confirm returns a usage error.
func (r *resetRun) confirm(targets []netip.Addr) error {
	if r.yes {
		return nil
	}
	file, isFile := r.streams.In.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return cli.Usagef("resetting %s cannot be undone: say --yes, since there is no terminal to ask at",
			plural.Of(len(targets), "host"))
	}
	return r.ask(file, targets)
}

// ask shows which hosts are reset and reads one line. Any answer but "yes" or the cluster's name is an error, and so is
// the end of the input without one of them.
func (r *resetRun) ask(in io.Reader, targets []netip.Addr) error {
	name := r.loaded.Config.Name
	var out strings.Builder
	fmt.Fprintf(&out, "This undoes what dualstrap did, and deletes all data of the cluster, on these hosts of cluster %s:\n", name)
	for _, node := range r.loaded.Plan.Nodes {
		if slices.Contains(targets, node.Address) {
			fmt.Fprintf(&out, "  %s  %s\n", node.Address, node.Role)
		}
	}
	fmt.Fprintf(&out, "To go on, type yes or %s: ", name)
	if _, err := io.WriteString(r.streams.Err, out.String()); err != nil {
		return err
	}
	line, err := bufio.NewReader(in).ReadString('\n')
	if answer := strings.TrimSpace(line); answer == "yes" || answer == name {
		return nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("cannot read the answer: %w", err)
	}
	return errors.New("not confirmed: nothing was changed")
}

// writeUnreachable lists the hosts that were not reset, together where the reason is the same.
func writeUnreachable(out *strings.Builder, hosts []reset.UnreachableHost) {
	names := make([]string, len(hosts))
	for i, host := range hosts {
		names[i] = host.Address.String()
	}
	for _, group := range groupReasons(names, func(i int) string { return cli.Visible(hosts[i].Error) }) {
		if group.isSingle() {
			fmt.Fprintf(out, "\n%s was not reset: %s\n", group, group.text)
		} else {
			fmt.Fprintf(out, "\n%s were not reset: %s\n    %s\n", group.count("host"), group.text, group)
		}
	}
}

// report returns the run's report. Lists are never nil, so that they are [] in JSON, not null.
func (r *resetRun) report(targets []netip.Addr, outcome reset.Outcome, began time.Time, err error) resetReport {
	return resetReport{
		runReport: newRunReport(r.loaded, outcome.Run, began, err), Forced: r.options.Force, Nodes: targets,
		Unreachable: append([]reset.UnreachableHost{}, outcome.Unreachable...), Notes: append([]string{}, outcome.Notes...),
		Run: outcome.Run,
	}
}

// text returns the report for a person: what was done, which hosts were not reset, and what --force left undone.
func (r *resetRun) text(report resetReport) string {
	var out strings.Builder
	if report.Run != nil {
		writeRun(&out, report.Run)
	}
	writeUnreachable(&out, report.Unreachable)
	for _, note := range report.Notes {
		fmt.Fprintf(&out, "\nnote: %s\n", cli.Visible(note))
	}
	if report.OK {
		fmt.Fprintf(&out, "\n%s of cluster %s reset: %s in %.1f s\n",
			plural.Of(len(report.Nodes), "host"), report.Cluster, plural.Of(report.Changes, "change"), report.Seconds)
	}
	return out.String()
}
