package cmd

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/lab"
)

// newLabStatus returns the command lab status.
func newLabStatus(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the hosts of the lab: role, addresses, state, uptime, link",
		Long: `Show the current state of the lab's hosts. A link is connected, disconnected (by lab disconnect), or
detached, as is the link of a host that does not run.`,
		Example: `  dualstrap lab status
  dualstrap lab status -o json | jq -r '.hosts[] | select(.state == "stopped") | .name'`,
		Args: noArgs,
	}
	flags := addLabFlags(cmd)
	format := cli.AddFormat(cmd, cli.Text, cli.JSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		l, err := flags.open(streams)
		if err != nil {
			return err
		}
		status, err := l.Status(cmd.Context(), time.Now())
		if err != nil {
			return err
		}
		if format.String() == cli.JSON {
			return cli.WriteJSON(streams.Out, status)
		}
		return writeLabStatus(streams.Out, status, flags)
	}
	return cmd
}

// writeLabStatus prints the hosts as a table, or without a lab how to create one.
func writeLabStatus(w io.Writer, status lab.Status, flags *labFlags) error {
	if len(status.Hosts) == 0 {
		_, err := fmt.Fprintf(w, "there is no lab %s; make it with: dualstrap lab up%s\n", status.Name, flags.suffix())
		return err
	}
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	// A dash stands for values that only hosts that exist or run have.
	rows := []string{"HOST\tROLE\tIPV4\tIPV6\tOS\tSTATE\tUPTIME\tLINK"}
	for _, host := range status.Hosts {
		system, uptime := "-", "-"
		if host.OS != "" {
			system = string(host.OS)
		}
		if host.StartedAt != nil {
			uptime = (time.Duration(host.UptimeSeconds) * time.Second).String()
		}
		rows = append(rows, strings.Join([]string{
			host.Name, string(host.Role), host.IPv4, host.IPv6, system, host.State, uptime, string(host.Cable),
		}, "\t"))
	}
	if _, err := fmt.Fprintln(table, strings.Join(rows, "\n")); err != nil {
		return err
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, out.String())
	return err
}
