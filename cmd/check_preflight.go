package cmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/provision/load"
	"github.com/dualstrap/dualstrap/provision/preflight"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// newCheckPreflight returns the command check preflight, which runs the same checks as create cluster, and plans the same
// changes, but stops there.
func newCheckPreflight(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "preflight -f FILE",
		Short: "Check whether hosts can become nodes, and list what create would change",
		Long: `Connect to every host over SSH, check whether it can become a node, and list what create would change on it.
Nothing is changed. docs/checks.md lists every check with a hint for its failure.

If a check fails, the exit code is 3; warnings do not change it. Failures of the checks named with
--ignore-checks become warnings.`,
		Example: `  dualstrap check preflight -f cluster.yaml
  dualstrap check preflight -f cluster.yaml --diff
  dualstrap check preflight -f cluster.yaml -o json | jq '.hosts[] | select(.checks[].status == "failed")'`,
		Args: noArgs,
	}
	manifests := cli.AddManifests(cmd)
	format := cli.AddFormat(cmd, cli.Text, cli.JSON)
	flags := cli.AddSession(cmd)
	diff := cmd.Flags().Bool("diff", false, "show changes of files as diffs")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		loaded, err := manifests.Valid(streams)
		if err != nil {
			return err
		}
		bundleDir, err := flags.OpenBundle(loaded)
		if errors.Is(err, fs.ErrNotExist) { // hosts can be checked before the bundle is built, which takes 20 minutes
			bundleDir, err = nil, noteNoBundle(streams.Err, err)
		}
		if err != nil {
			return err
		}
		found, err := checkPreflight(cmd, streams, flags, loaded, bundleDir)
		if err != nil {
			return err
		}
		if format.String() == cli.JSON {
			err = cli.WriteJSON(streams.Out, found.Report)
		} else {
			err = writePreflight(streams.Out, loaded, found, *diff)
		}
		return errors.Join(err, preflight.FailedChecks(found.Report))
	}
	return cmd
}

// noteNoBundle prints that the result leaves out programs and images because there is no bundle, the cause.
func noteNoBundle(w io.Writer, cause error) error {
	_, err := fmt.Fprintf(w, "%v: programs and images are left out of the changes\n", cause)
	return err
}

// checkPreflight connects to the hosts, checks them, and plans what create would change. Nothing is changed.
func checkPreflight(
	cmd *cobra.Command, streams cli.Streams, flags *cli.SessionFlags, loaded load.Cluster, bundleDir *bundle.Dir,
) (preflight.Outcome, error) {
	s, done, err := flags.Open(streams, loaded, cli.SessionRun{Bundle: bundleDir})
	if err != nil {
		return preflight.Outcome{}, err
	}
	defer done()
	return preflight.Run(cmd.Context(), s)
}

// writePreflight prints a table of the hosts, below it the checks that did not pass, and the changes that create would
// make. With diff, changes of files are shown as diffs.
func writePreflight(w io.Writer, loaded load.Cluster, found preflight.Outcome, diff bool) error {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "HOST\tROLE\tPASSED\tWARNINGS\tFAILED\tCHANGES\n")
	for i, host := range found.Hosts {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%d\n", host.Address, loaded.Plan.Nodes[i].Role,
			host.Count(check.Passed), host.Count(check.Warning), host.Count(check.Failed), len(host.Changes))
	}
	table.Flush()
	writeFindings(&out, found.Hosts)
	for _, group := range groupSame(namesOf(found.Hosts), func(i int) string { return changes(found.Diffs[found.Hosts[i].Address], diff) }) {
		fmt.Fprintf(&out, "\n%s would change:\n%s", group, group.text)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// writeFindings prints the checks that did not pass, with hints, under the addresses of their hosts.
func writeFindings(out *strings.Builder, hosts []check.HostReport) {
	for _, group := range groupReasons(namesOf(hosts), func(i int) string { return findings(hosts[i]) }) {
		heading := group.String()
		if len(group.members) > shownMembers {
			heading = group.count("host") + ": " + heading
		}
		fmt.Fprintf(out, "\n%s\n%s", heading, group.text)
	}
}

// namesOf returns the addresses of hosts, as their names in messages.
func namesOf(hosts []check.HostReport) []string {
	names := make([]string, len(hosts))
	for i, host := range hosts {
		names[i] = host.Address.String()
	}
	return names
}

// findings returns lines for the checks of a host that did not pass, with hints; "" if all passed.
func findings(host check.HostReport) string {
	var out strings.Builder
	for _, result := range host.Checks {
		if result.Status == check.Passed {
			continue
		}
		fmt.Fprintf(&out, "  %s: %s: %s\n", result.Status, result.Name, cli.Visible(result.Message))
		label := "try"
		if result.Automatic {
			label = "note"
		}
		fmt.Fprintf(&out, "    %s: %s\n", label, cli.Visible(result.Hint))
	}
	return out.String()
}

// changes returns a line for each change that create would make on a host, with diff followed by the diff of its file.
func changes(planned []workflow.Change, diff bool) string {
	var out strings.Builder
	for _, change := range planned {
		fmt.Fprintf(&out, "  %s\n", change.Summary)
		if diff && change.Diff != nil {
			out.WriteString(change.Diff())
		}
	}
	return out.String()
}
