package cmd

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/controller"
	"github.com/dualstrap/dualstrap/render"
)

// newController returns the controller command. It is hidden: the Deployment dualstrap-controller runs it.
func newController(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "controller",
		Short: "Assign podCIDRs to nodes (runs in the cluster)",
		Long: `Assign podCIDRs to the nodes of the cluster from the ranges of its ClusterCIDRConfigs, and approve the
serving certificates of their kubelets.

The Deployment dualstrap-controller runs this command in the cluster; it is not meant for the command line.
Of several replicas only one works, the leader. The others wait for its lease, which is in the namespace
POD_NAMESPACE.`,
		Example: `  dualstrap controller --health-address=127.0.0.1:10270`,
		Args:    noArgs,
		Hidden:  true,
		// On SIGTERM it releases its lease, so that another replica takes over at once.
		Annotations: map[string]string{gracefulStop: "true"},
	}
	health := cmd.Flags().String("health-address", "127.0.0.1:10270", "the address to serve /healthz, /readyz and /metrics at")
	names := cmd.Flags().StringSlice("api-server-names", nil,
		"names and addresses of API servers, in addition to those of their nodes; certificates for these are never approved")
	kubeconfig := cmd.Flags().String("kubeconfig", "", "the kubeconfig file for the API server; by default the service account of the pod")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		config, err := clusterConfig(*kubeconfig)
		if err != nil {
			return err
		}
		namespace := os.Getenv("POD_NAMESPACE")
		if namespace == "" { // not in a pod, as with --kubeconfig
			namespace = render.SystemNamespace
		}
		return controller.Run(cmd.Context(), controller.Options{
			Config:         config,
			Namespace:      namespace,
			HealthAddress:  *health,
			APIServerNames: *names,
			Logger:         slog.New(slog.NewTextHandler(streams.Err, nil)),
		})
	}
	return cmd
}

// clusterConfig returns the configuration for reaching the API server: from the kubeconfig file or, without one, from the
// pod's service account.
func clusterConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig != "" {
		config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
		if err != nil {
			return nil, fmt.Errorf("cannot use kubeconfig %s: %w", kubeconfig, err)
		}
		return config, nil
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		return nil, fmt.Errorf("cannot reach the API server as a pod does: %w; elsewhere name a file with --kubeconfig", err)
	}
	return config, nil
}
