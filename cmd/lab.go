package cmd

import (
	"fmt"
	"sync"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/lab"
	"github.com/dualstrap/dualstrap/provision/workspace"
)

// newLab returns the lab command with its subcommands. The lab is for trying dualstrap and for its own integration tests.
func newLab(streams cli.Streams) *cobra.Command {
	cmd := group("lab", "Create hosts for trying dualstrap, in containers on this machine",
		newLabUp(streams), newLabDown(streams), newLabStatus(streams), newLabExec(streams),
		newLabHost(streams, labStop()), newLabHost(streams, labStart()), newLabHost(streams, labReboot()),
		newLabHost(streams, labDisconnect()), newLabHost(streams, labConnect()),
	)
	cmd.Long = `Create hosts that look like bare metal, in containers on this machine: with systemd, sshd and firewalld,
on one L2 segment with IPv4 and IPv6, and without anything of Kubernetes. This requires root, podman and runc.
All labs use the same addresses, so only one can be up at a time in a network namespace.`
	cmd.Example = `  dualstrap lab up
  dualstrap create cluster -f dualstrap-workspace/lab/cluster.yaml
  dualstrap lab down`
	return cmd
}

// labFlags holds the values of the flags that all lab commands share: the lab's name, and the directory of workspaces.
type labFlags struct{ name, workspaces string }

// addLabFlags adds the flags to the command and returns their values.
func addLabFlags(cmd *cobra.Command) *labFlags {
	f := &labFlags{}
	cmd.Flags().StringVar(&f.name, "name", "lab", "the name of the lab, of its cluster, and the prefix of its hosts' names")
	cmd.Flags().StringVar(&f.workspaces, "workspace-dir", workspace.DefaultDir,
		"the directory of workspaces; the files of the lab are in its subdirectory NAME")
	_ = cmd.MarkFlagDirname("workspace-dir") // it returns an error only for a flag that does not exist
	return f
}

// open returns the lab that the flags name. The lab prints the steps of its commands on streams.Err.
func (f *labFlags) open(streams cli.Streams) (*lab.Lab, error) {
	if err := lab.CheckName(f.name); err != nil {
		return nil, &cli.UsageError{Err: err}
	}
	var mu sync.Mutex // hosts are worked on in parallel; their lines must not mix
	return lab.New(f.name, f.workspaces, func(step string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(streams.Err, step)
	})
}

// suffix returns the --name flag to append to a suggested command, or "" if the lab has the default name.
func (f *labFlags) suffix() string {
	if f.name == "lab" {
		return ""
	}
	return " --name " + f.name
}
