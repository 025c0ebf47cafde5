package cmd

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"github.com/dualstrap/dualstrap/agent"
	"github.com/dualstrap/dualstrap/cmd/internal/cli"
)

// newAgent returns the agent command. It is hidden: the DaemonSet dualstrap-agent runs it on every node, and reset runs it
// with --cleanup. Users never need to.
func newAgent(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Maintain this node's part of the pod network (runs in the cluster)",
		Long: `Maintain this node's part of the pod network: routes to the pods of other nodes, neighbour proxies for the
node's own pods, IPv4 SNAT, the rules for what pods may send, sysctls, and the CNI configuration. The DaemonSet
dualstrap-agent runs it on every node. Everything stays in place when the agent stops; --cleanup removes it.`,
		Example: `  dualstrap agent --cleanup`,
		Hidden:  true,
		Args:    noArgs,
		// A change of the kernel's state that has started is finished before the agent stops.
		Annotations: map[string]string{gracefulStop: "true"},
	}
	var options agent.Options
	flags := cmd.Flags()
	flags.StringVar(&options.NodeName, "node-name", os.Getenv("NODE_NAME"), "the name of this node; by default $NODE_NAME")
	flags.BoolVar(&options.FlatIPv4, "flat-ipv4", false, "pods are reachable, and seen by others, at their own IPv4 addresses")
	flags.StringVar(&options.CNIConfigDir, "cni-config-dir", "/etc/cni/net.d", "the directory for the CNI configuration")
	flags.StringVar(&options.SysctlDir, "sysctl-dir", "/proc/sys/net", "the directory of network sysctls; it must be writable")
	flags.StringVar(&options.HealthAddress, "health-address", "127.0.0.1:10271", "the address to serve /healthz, /readyz and /metrics at")
	podRanges := flags.StringSlice("pod-ranges", nil,
		"the ranges of all pods in the cluster; only pods may send packets from addresses in them")
	kubeconfig := flags.String("kubeconfig", "", "the kubeconfig file for the API server; by default the service account of the pod")
	flags.StringSliceVar(&options.OtherTables, "cleanup-tables", nil,
		"nftables tables of other programs that --cleanup removes, too, for example \"ip kube-proxy\"")
	cleanup := flags.Bool("cleanup", false, "remove everything the agent has set up, and exit")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *cleanup {
			return agent.Cleanup(options)
		}
		if options.NodeName == "" {
			return cli.Usagef("no node named: set --node-name or NODE_NAME")
		}
		for _, text := range *podRanges {
			podRange, err := netip.ParsePrefix(text)
			if err != nil {
				return cli.Usagef("cannot read --pod-ranges: %v", err)
			}
			options.PodRanges = append(options.PodRanges, podRange)
		}
		client, err := connect(*kubeconfig)
		if err != nil {
			return err
		}
		options.Log = slog.New(slog.NewTextHandler(streams.Err, nil))
		klog.SetSlogLogger(options.Log) // client-go logs through klog
		return agent.Run(cmd.Context(), client, options)
	}
	return cmd
}

// connect returns a client of the API server, for the kubeconfig file or, without one, for the pod's service account. It
// does not contact the API server: the agent starts while the server is still unreachable.
func connect(kubeconfig string) (kubernetes.Interface, error) {
	config, err := rest.InClusterConfig()
	if kubeconfig != "" {
		config, err = clientcmd.BuildConfigFromFlags("", kubeconfig)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot tell where the API server is: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("cannot make a client of the API server: %w", err)
	}
	return client, nil
}
