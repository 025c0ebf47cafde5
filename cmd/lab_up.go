package cmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/internal/plural"
	"github.com/dualstrap/dualstrap/lab"
)

// newLabUp returns the command lab up. The flags describe the whole lab, not what to add: without --workers, a second run
// removes workers beyond the default.
func newLabUp(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Create the lab, or change it to match the flags",
		Long: `Create the lab: hosts NAME-cp-N, NAME-worker-N and NAME-lb-N, and one named client that is not a node. The
command finishes when all hosts have booted without a failed unit, accept the lab's key at both addresses, and
can reach each other. The workspace then has cluster.yaml, an SSH key, and the host keys.

When run again, the command changes what differs: stopped hosts are booted, detached hosts are attached, and
with other numbers hosts are added or removed. A host keeps its addresses whatever the numbers are. A
cluster.yaml that you have edited is left alone.

The first run builds the image of the hosts from Debian's signed packages, which takes 2 to 5 minutes, and
caches it in ~/.cache/dualstrap.`,
		Example: `  dualstrap lab up
  dualstrap lab up --control-planes 3 --workers 5 --load-balancers 2
  dualstrap lab up --name second --workspace-dir /srv/workspaces`,
		Args: noArgs,
	}
	flags := addLabFlags(cmd)
	var spec lab.Spec
	cmd.Flags().IntVar(&spec.ControlPlanes, "control-planes", 1, "the number of control plane hosts, which must be odd")
	cmd.Flags().IntVar(&spec.Workers, "workers", 2, "the number of worker hosts")
	cmd.Flags().IntVar(&spec.LoadBalancers, "load-balancers", 0, "the number of hosts for load balancers alone")
	cmd.Flags().IntVar(&spec.RHELLike, "rhel-like", 1,
		"the number of hosts that present themselves as RHEL 9 with SELinux enabled, workers first")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		spec.Name = flags.name
		if !cmd.Flags().Changed("rhel-like") {
			// By default at least one node does not present itself as RHEL, so a lab of a single node has none that does.
			spec.RHELLike = min(spec.RHELLike, max(spec.Nodes()-1, 0))
		}
		if err := spec.Check(); err != nil {
			return &cli.UsageError{Err: err}
		}
		l, err := flags.open(streams)
		if err != nil {
			return err
		}
		result, err := l.Up(cmd.Context(), spec)
		if err != nil {
			return err
		}
		return writeLabUp(streams.Out, l, result)
	}
	return cmd
}

// writeLabUp prints which hosts have changed and how, and the next command.
func writeLabUp(w io.Writer, l *lab.Lab, result lab.Result) error {
	var out strings.Builder
	for _, kind := range []lab.Kind{lab.Remove, lab.Create, lab.Start, lab.Attach, lab.Connect, lab.EmulateOS, lab.Key} {
		if names := changedHosts(result, kind); len(names) > 0 {
			fmt.Fprintf(&out, "%s: %s\n", kind, strings.Join(names, ", "))
		}
	}
	if out.Len() == 0 && !result.FilesWritten {
		out.WriteString("nothing changed\n")
	}
	path := cli.Visible(l.Workspace.ManifestPath())
	if result.ManifestKept {
		fmt.Fprintf(&out, "%s has been edited and stays as it is; remove it, and lab up writes it again\n", path)
	}
	fmt.Fprintf(&out, "the lab %s is up with %s\nnext: dualstrap create cluster -f %s\n", l.Name, plural.Of(len(result.Hosts), "host"), path)
	_, err := io.WriteString(w, out.String())
	return err
}

// changedHosts returns the names of the hosts with a change of the kind. Only the first change of each host counts: a host
// that is created is also started and attached, which goes without saying.
func changedHosts(result lab.Result, kind lab.Kind) []string {
	seen := map[string]bool{} // by the ID of the host
	var names []string
	for _, change := range result.Changes {
		if change.Kind == kind && !seen[change.Host.ID] {
			names = append(names, change.Host.Name)
		}
		seen[change.Host.ID] = true
	}
	return names
}
