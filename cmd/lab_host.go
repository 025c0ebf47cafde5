package cmd

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/lab"
)

// labVerb describes a command that does one thing to one host.
type labVerb struct {
	verb, short, long string
	// formerly is an earlier name of the command; empty if there was none. It is not accepted any more, but the error
	// suggests the new name.
	formerly string
	// do acts on the host of the given name, and reports whether it changed anything.
	do func(*lab.Lab, context.Context, string) (changed bool, err error)
	// done and idle complete a sentence that begins with the host's name: the result with and without a change.
	done, idle string
}

// labStop describes lab stop.
func labStop() labVerb {
	return labVerb{
		verb: "stop", do: (*lab.Lab).Stop, done: "is shut down", idle: "does not run",
		short: "Shut down a host",
		long:  `Shut down a host, as its power button would: systemd stops everything in order. The disk is kept.`,
	}
}

// labStart describes lab start.
func labStart() labVerb {
	return labVerb{
		verb: "start", do: (*lab.Lab).Start, done: "is up", idle: "runs already",
		short: "Boot a host that is shut down",
		long: `Boot a host that is shut down, with the same addresses, disk and MAC as before, attach it to the network,
and wait until it accepts the lab's key at both addresses. Use it also for a host that was shut down or
rebooted from inside.`,
	}
}

// labReboot describes lab reboot. It has no idle: a reboot always changes the host.
func labReboot() labVerb {
	return labVerb{
		verb: "reboot", do: (*lab.Lab).Reboot, done: "has rebooted",
		short: "Reboot a host",
		long:  `Shut down a host in order, and boot it again. A disconnected host stays disconnected.`,
	}
}

// labDisconnect describes lab disconnect.
func labDisconnect() labVerb {
	return labVerb{
		verb: "disconnect", formerly: "cut", do: (*lab.Lab).Disconnect, done: "is disconnected", idle: "is disconnected already",
		short: "Disconnect a host from the network",
		long: `Take the carrier away from a host's interface, as if its cable were unplugged. The host keeps running, and
lab exec can still reach it.`,
	}
}

// labConnect describes lab connect.
func labConnect() labVerb {
	return labVerb{
		verb: "connect", formerly: "heal", do: (*lab.Lab).Connect, done: "is connected again", idle: "is connected already",
		short: "Reconnect a host after lab disconnect",
		long:  `Reconnect a host to the network, and wait until it accepts the lab's key at both addresses.`,
	}
}

// formerly returns a command's earlier name as the list that cobra takes, in SuggestFor: calling the command by that name
// fails with the new name as a suggestion.
func formerly(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}

// newLabHost returns the command that verb describes.
func newLabHost(streams cli.Streams, verb labVerb) *cobra.Command {
	cmd := &cobra.Command{
		Use:        verb.verb + " HOST",
		Short:      verb.short,
		Long:       verb.long,
		Example:    fmt.Sprintf("  dualstrap lab %s lab-worker-1", verb.verb),
		SuggestFor: formerly(verb.formerly),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.Usagef("name one host: %s", cmd.UseLine())
			}
			return nil
		},
	}
	flags := addLabFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		l, err := flags.open(streams)
		if err != nil {
			return err
		}
		changed, err := verb.do(l, cmd.Context(), args[0])
		if err != nil {
			return err
		}
		became := verb.done
		if !changed {
			became = verb.idle
		}
		_, err = fmt.Fprintf(streams.Out, "%s %s\n", args[0], became)
		return err
	}
	return cmd
}
