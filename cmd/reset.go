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
	"github.com/dualstrap/dualstrap/provision"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/provision/workspace"
)

// resetReport is the result of `reset cluster -o json` and `reset nodes -o json`, and the run's report.json.
type resetReport struct {
	runReport

	Forced bool `json:"forced"`
	// Nodes are the hosts that it was about, Unreachable those of them that could not be asked.
	Nodes       []netip.Addr                `json:"nodes"`
	Unreachable []provision.UnreachableHost `json:"unreachable"`
	Notes       []string                    `json:"notes"`
	// Run is null when it was not come to.
	Run *workflow.Report `json:"run"`
}

// reset is one run of reset cluster or reset nodes.
type reset struct {
	streams    cli.Streams
	flags      *cli.SessionFlags
	loaded    provision.Loaded
	format     *cli.Format
	options    provision.ResetOptions
	workspaces string
	// yes leaves out the question.
	yes bool
}

// command is its name in the workspace.
func (r *reset) command() string {
	if len(r.options.Nodes) > 0 {
		return "reset-nodes"
	}
	return "reset-cluster"
}

func (r *reset) run(ctx context.Context) (err error) {
	targets, err := provision.ResetTargets(r.loaded.Config, r.options)
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
	session, done, err := r.flags.Open(r.streams, r.loaded, cli.SessionRun{Run: run})
	if err != nil {
		return err
	}
	outcome, err := session.Reset(ctx, r.options)
	done()
	if err == nil && len(r.options.Nodes) == 0 {
		err = run.RemoveKubeconfig()
	}
	report := r.report(targets, outcome, began, err)
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

// usageOf makes addresses that are none a mistake of the command line.
func usageOf(err error) error {
	var unknown *provision.UnknownNodesError
	if errors.As(err, &unknown) {
		return &cli.UsageError{Err: err}
	}
	return err
}

// confirm asks on a terminal. Elsewhere nobody could answer.
func (r *reset) confirm(targets []netip.Addr) error {
	if r.yes {
		return nil
	}
	file, isFile := r.streams.In.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return cli.Usagef("what was done on %s is taken back for good: say --yes, since there is no terminal to ask at",
			plural.Of(len(targets), "host"))
	}
	return r.ask(file, targets)
}

// ask shows what is reset and reads the answer.
func (r *reset) ask(in io.Reader, targets []netip.Addr) error {
	name := r.loaded.Config.Name
	var out strings.Builder
	fmt.Fprintf(&out, "This takes back what dualstrap did on these hosts of cluster %s, with all that the cluster keeps there:\n", name)
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

func (r *reset) report(targets []netip.Addr, outcome provision.ResetOutcome, began time.Time, err error) resetReport {
	return resetReport{
		runReport: newRunReport(r.loaded, outcome.Run, began, err), Forced: r.options.Force, Nodes: targets,
		Unreachable: append([]provision.UnreachableHost{}, outcome.Unreachable...), Notes: append([]string{}, outcome.Notes...),
		Run: outcome.Run,
	}
}

// print says what was done and what was not.
func (r *reset) print(report resetReport) error {
	var out strings.Builder
	if report.Run != nil {
		writeRun(&out, report.Run)
	}
	for _, host := range report.Unreachable {
		fmt.Fprintf(&out, "\n%s was not reset: %s\n", host.Address, cli.Visible(host.Error))
	}
	for _, note := range report.Notes {
		fmt.Fprintf(&out, "\nnote: %s\n", cli.Visible(note))
	}
	if report.OK {
		fmt.Fprintf(&out, "\n%s of cluster %s reset: %s in %.1f s\n",
			plural.Of(len(report.Nodes), "host"), report.Cluster, plural.Of(report.Changes, "change"), report.Seconds)
	}
	_, err := io.WriteString(r.streams.Out, out.String())
	return err
}
