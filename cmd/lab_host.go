package cmd

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/lab"
)

// labVerb is a command that does one thing to one host.
type labVerb struct {
	verb, short, long string
	// formerly is the verb's earlier name, which is refused with the new one.
	formerly string
	do       func(*lab.Lab, context.Context, string) (changed bool, err error)
	// done and idle say what became of the host, with and without a change.
	done, idle string
}

func labStop() labVerb {
	return labVerb{
		verb: "stop", do: (*lab.Lab).Stop, done: "is shut down", idle: "does not run",
		short: "Shut a host down",
		long:  `Shut a host down, like pressing its power button: systemd stops everything in order. Its disk stays.`,
	}
}

func labStart() labVerb {
	return labVerb{
		verb: "start", do: (*lab.Lab).Start, done: "is up", idle: "runs already",
		short: "Boot a host that is shut down",
		long: `Boot a host that is shut down, with the addresses, the disk and the MAC it had, attach it to the network,
and wait until it accepts the lab's key at both addresses. It is also the way to bring back a host
that was shut down or rebooted from inside.`,
	}
}

func labReboot() labVerb {
	return labVerb{
		verb: "reboot", do: (*lab.Lab).Reboot, done: "has rebooted",
		short: "Reboot a host",
		long:  `Shut a host down in order, and boot it. A disconnected host stays disconnected.`,
	}
}

func labDisconnect() labVerb {
	return labVerb{
		verb: "disconnect", formerly: "cut", do: (*lab.Lab).Disconnect, done: "is disconnected", idle: "is disconnected already",
		short: "Disconnect a host from the network",
		long: `Take the carrier from a host's interface, as if its cable were unplugged. The host keeps running, and
lab exec still reaches it.`,
	}
}

func labConnect() labVerb {
	return labVerb{
		verb: "connect", formerly: "heal", do: (*lab.Lab).Connect, done: "is connected again", idle: "is connected already",
		short: "Connect a host that lab disconnect disconnected",
		long:  `Connect a host again, and wait until it accepts the lab's key at both addresses.`,
	}
}

// formerly lists a command's earlier name for cobra, which suggests the command where that is called.
func formerly(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}

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
