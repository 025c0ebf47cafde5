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

// newAgent is run by the cluster's own DaemonSet, and by reset; it is of no use to a person.
func newAgent(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Keep this node's part of the pod network",
		Long: `Keep this node's part of the pod network: routes to the pods of other nodes, neighbour proxies
for the node's own, IPv4 SNAT, what pods may send, sysctls and the CNI configuration. The DaemonSet dualstrap-agent
runs it on every node. All of it stays in place when the agent ends; --cleanup removes it.`,
		Example: `  dualstrap agent --cleanup`,
		Hidden:  true,
		Args:    noArgs,
		// What is under way in the kernel is finished.
		Annotations: map[string]string{gracefulStop: "true"},
	}
	var options agent.Options
	flags := cmd.Flags()
	flags.StringVar(&options.NodeName, "node-name", os.Getenv("NODE_NAME"), "the name of this node's Node; by default $NODE_NAME")
	flags.BoolVar(&options.FlatIPv4, "flat-ipv4", false, "IPv4 pods are reached, and seen, by their own addresses")
	flags.StringVar(&options.CNIConfigDir, "cni-config-dir", "/etc/cni/net.d", "where the CNI configuration is kept")
	flags.StringVar(&options.SysctlDir, "sysctl-dir", "/proc/sys/net", "where the kernel's network settings are writable")
	flags.StringVar(&options.HealthAddress, "health-address", "127.0.0.1:10271", "where /healthz, /readyz and /metrics are served")
	podRanges := flags.StringSlice("pod-ranges", nil,
		"where pods of any node may be: nobody but they is believed to have an address of these ranges")
	kubeconfig := flags.String("kubeconfig", "", "how to reach the API server; by default as a pod does")
	flags.StringSliceVar(&options.OtherTables, "cleanup-tables", nil,
		"nftables tables of others that --cleanup removes, as in \"ip kube-proxy\"")
	cleanup := flags.Bool("cleanup", false, "remove what the agent has put in place, and end")
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
		klog.SetSlogLogger(options.Log) // client-go's own words
		return agent.Run(cmd.Context(), client, options)
	}
	return cmd
}

// connect makes a client of the API server; it does not wait for one to answer.
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
