package cmd

import (
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
)

// drainTimeout is how long pods may take to leave a node by default.
const drainTimeout = 5 * time.Minute

func newResetNodes(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "nodes -f FILE --addresses ADDRESS,...",
		Short: "Take nodes out of the cluster, and back on their hosts what create cluster did",
		Long: `Take nodes out of the cluster and take back on their hosts what create cluster did there. Their pods are
evicted first, as PodDisruptionBudgets allow; then control plane nodes leave etcd, the Node objects go, and
the hosts become what they were. Take the nodes out of the manifests, too, or create cluster will have them
join again.

What would break the cluster is refused: to take away its last control plane node, or so many that etcd
would lose its quorum. --force overrules the quorum, evicts nobody, takes nodes whose hosts cannot be
reached out of the cluster all the same, and goes on where the cluster cannot be asked. Everything else is
as in reset cluster.`,
		Example: `  dualstrap reset nodes -f cluster.yaml --addresses 10.2.0.6
  dualstrap reset nodes -f cluster.yaml --addresses 10.2.0.6,10.2.0.7 --yes --drain-timeout 20m`,
		Args:        noArgs,
		Annotations: map[string]string{gracefulStop: "yes"},
	}
	r := addReset(cmd, streams)
	addresses := cmd.Flags().StringSlice("addresses", nil, "the addresses of the nodes, as in the manifests")
	cmd.Flags().BoolVar(&r.options.Force, "force", false, "do not drain, do not mind etcd's quorum, go on where the cluster cannot be asked")
	cmd.Flags().DurationVar(&r.options.DrainTimeout, "drain-timeout", drainTimeout, "how long the pods of a node may take to leave")
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, text := range *addresses {
			address, err := netip.ParseAddr(text)
			if err != nil {
				return cli.Usagef("--addresses: %q is no IP address", text)
			}
			r.options.Nodes = append(r.options.Nodes, address.Unmap())
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
