package cmd

import (
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
)

// drainTimeout is the default of --drain-timeout.
const drainTimeout = 5 * time.Minute

// newResetNodes returns the command reset nodes. It takes addresses, not names, since addresses identify nodes in manifests,
// and are known for hosts that never became nodes.
func newResetNodes(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "nodes -f FILE --addresses ADDRESS,...",
		Short: "Drain and remove nodes, and restore their hosts",
		Long: `Remove nodes from the cluster, and undo on their hosts what create cluster did there. The nodes are drained
first, respecting PodDisruptionBudgets; then control plane nodes leave etcd, the Node objects are deleted, and
the previous state of the hosts is restored. Remove the nodes from the manifests, too, or create cluster lets
them join again.

A reset that would break the cluster is refused: removing its last control plane node, or so many that etcd
would lose its quorum. --force ignores the quorum, skips draining, removes nodes whose hosts cannot be reached,
and continues if the API server cannot be reached. In all other respects the command is like reset cluster.`,
		Example: `  dualstrap reset nodes -f cluster.yaml --addresses 10.2.0.6
  dualstrap reset nodes -f cluster.yaml --addresses 10.2.0.6,10.2.0.7 --yes --drain-timeout 20m`,
		Args:        noArgs,
		Annotations: map[string]string{gracefulStop: "yes"},
	}
	r := addReset(cmd, streams)
	addresses := cmd.Flags().StringSlice("addresses", nil, "the addresses of the nodes, as in the manifests")
	cmd.Flags().BoolVar(&r.options.Force, "force", false,
		"skip draining, ignore the quorum of etcd, and continue if the API server cannot be reached")
	cmd.Flags().DurationVar(&r.options.DrainTimeout, "drain-timeout", drainTimeout, "how long to wait for the pods of a node to terminate")
	run := cmd.RunE // of addReset: it loads the manifests and runs the reset
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, text := range *addresses {
			address, err := netip.ParseAddr(text)
			if err != nil {
				return cli.Usagef("--addresses: %q is not an IP address", text)
			}
			r.options.Nodes = append(r.options.Nodes, address.Unmap()) // ::ffff:10.2.0.6 is 10.2.0.6
		}
		if len(r.options.Nodes) == 0 {
			return cli.Usagef("no nodes named: give their addresses with --addresses")
		}
		if r.options.DrainTimeout <= 0 {
			return cli.Usagef("--drain-timeout must be more than nothing, got %s", r.options.DrainTimeout)
		}
		return run(cmd, args)
	}
	return cmd
}
