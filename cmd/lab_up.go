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

func newLabUp(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Make the lab, or bring it to what the flags say",
		Long: `Make the lab: hosts NAME-cp-N, NAME-worker-N and NAME-lb-N, and one named client that is no
node. It ends when all of them have booted without a failed unit, accept the lab's key at both
addresses, and reach each other. The workspace then holds cluster.yaml, an SSH key, and the keys
of the hosts.

Run again, it changes what differs: stopped hosts are booted, detached ones attached, and with
other numbers hosts are added or removed. A host keeps its addresses whatever the numbers are. A
cluster.yaml that you have edited is left alone.

The first time it makes the image of the hosts from Debian's signed packages, which takes 2 to 5
minutes, and keeps it in ~/.cache/dualstrap.`,
		Example: `  dualstrap lab up
  dualstrap lab up --control-planes 3 --workers 5 --load-balancers 2
  dualstrap lab up --name second --workspace-dir /srv/workspaces`,
		Args: noArgs,
	}
	flags := addLabFlags(cmd)
	var spec lab.Spec
	cmd.Flags().IntVar(&spec.ControlPlanes, "control-planes", 1, "hosts for the control plane, an odd number")
	cmd.Flags().IntVar(&spec.Workers, "workers", 2, "hosts for a pool of workers")
	cmd.Flags().IntVar(&spec.LoadBalancers, "load-balancers", 0, "hosts that carry load balancers only")
	cmd.Flags().IntVar(&spec.RHELLike, "rhel-like", 1,
		"hosts that present themselves as RHEL 9 with SELinux enabled, workers first")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		spec.Name = flags.name
		if !cmd.Flags().Changed("rhel-like") {
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
		fmt.Fprintf(&out, "%s has been edited and stays as it is; remove it, and lab up writes it anew\n", path)
	}
	fmt.Fprintf(&out, "the lab %s is up with %s\nnext: dualstrap create cluster -f %s\n", l.Name, plural.Of(len(result.Hosts), "host"), path)
	_, err := io.WriteString(w, out.String())
	return err
}

// changedHosts gives the names of hosts with a change of the kind. What is created also starts and is
// plugged in: that is said once.
func changedHosts(result lab.Result, kind lab.Kind) []string {
	said := map[string]bool{}
	var names []string
	for _, change := range result.Changes {
		if change.Kind == kind && !said[change.Host.ID] {
			names = append(names, change.Host.Name)
		}
		said[change.Host.ID] = true
	}
	return names
}
