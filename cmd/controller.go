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

func newController(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "controller",
		Short: "Give the nodes of the cluster this runs in their pod ranges",
		Long: `Give the nodes of a running cluster their pod ranges, out of its ClusterCIDRConfigs, and approve the
certificates that their kubelets serve with.

This runs in the cluster, as the Deployment dualstrap-controller: it is not for the command line.
Of several that run one works; the others wait for its lease in the namespace of POD_NAMESPACE.`,
		Example: `  dualstrap controller --health-address=127.0.0.1:10270`,
		Args:    noArgs,
		Hidden:  true,
		// It hands its lease over when it is told to stop.
		Annotations: map[string]string{gracefulStop: "true"},
	}
	health := cmd.Flags().String("health-address", "127.0.0.1:10270", "where to serve /healthz, /readyz and /metrics")
	names := cmd.Flags().StringSlice("api-server-names", nil,
		"names and addresses of API servers, beside those of their nodes, that no node gets a certificate for")
	kubeconfig := cmd.Flags().String("kubeconfig", "", "how to reach the API server; by default as a pod does")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		config, err := clusterConfig(*kubeconfig)
		if err != nil {
			return err
		}
		namespace := os.Getenv("POD_NAMESPACE")
		if namespace == "" {
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

// clusterConfig tells how to reach the API server: as a kubeconfig file says, or as a pod does.
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
