package cmd

import (
	"fmt"
	"sync"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/lab"
	"github.com/dualstrap/dualstrap/provision/workspace"
)

func newLab(streams cli.Streams) *cobra.Command {
	cmd := group("lab", "Make hosts to try dualstrap on, in containers on this machine",
		newLabUp(streams), newLabDown(streams), newLabStatus(streams), newLabExec(streams),
		newLabHost(streams, labStop()), newLabHost(streams, labStart()), newLabHost(streams, labReboot()),
		newLabHost(streams, labDisconnect()), newLabHost(streams, labConnect()),
	)
	cmd.Long = `Make hosts that look like bare metal out of containers on this machine: systemd, sshd and
firewalld, one L2 segment with IPv4 and IPv6, and nothing of Kubernetes. It needs root, podman
and runc. All labs have the same addresses, so one can be up at a time in a network namespace.`
	cmd.Example = `  dualstrap lab up
  dualstrap create cluster -f dualstrap-workspace/lab/cluster.yaml
  dualstrap lab down`
	return cmd
}

// labFlags are the flags of every lab command.
type labFlags struct{ name, workspaces string }

func addLabFlags(cmd *cobra.Command) *labFlags {
	f := &labFlags{}
	cmd.Flags().StringVar(&f.name, "name", "lab", "the lab's name: it begins the names of hosts, and is that of the cluster")
	cmd.Flags().StringVar(&f.workspaces, "workspace-dir", workspace.DefaultDir,
		"the directory of workspaces; the lab's files are in NAME/ below it")
	_ = cmd.MarkFlagDirname("workspace-dir") // it fails only for a flag that does not exist
	return f
}

// open gives the lab that the flags name; its steps are printed to Err.
func (f *labFlags) open(streams cli.Streams) (*lab.Lab, error) {
	if err := lab.CheckName(f.name); err != nil {
		return nil, &cli.UsageError{Err: err}
	}
	var mu sync.Mutex
	return lab.New(f.name, f.workspaces, func(step string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(streams.Err, step) //nolint:errcheck // progress that nobody reads is no failure
	})
}

// suffix repeats the name in a command that is shown, where it is not the default.
func (f *labFlags) suffix() string {
	if f.name == "lab" {
		return ""
	}
	return " --name " + f.name
}
