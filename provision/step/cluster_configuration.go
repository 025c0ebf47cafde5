package step

import (
	"context"
	"fmt"

	"sigs.k8s.io/yaml"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/render"
)

// ClusterConfiguration holds the compared fields of kubeadm's ClusterConfiguration.
type ClusterConfiguration struct {
	APIServer struct {
		ExtraArgs []ConfigArg `json:"extraArgs"`
		CertSANs  []string    `json:"certSANs"`
	} `json:"apiServer"`
}

// Security returns the security settings that the flags of the API servers amount to.
func (k *ClusterConfiguration) Security() api.Security {
	args := map[string]string{} // of a flag that is repeated, the last value counts, as for the API server
	for _, arg := range k.APIServer.ExtraArgs {
		args[arg.Name] = arg.Value
	}
	return render.SecurityOf(args)
}

// ConfigArg is a flag of a control plane component.
type ConfigArg struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// DecodeConfig decodes an entry of a ConfigMap in kube-system. If the ConfigMap or the entry is missing, into stays as it is.
func DecodeConfig(ctx context.Context, client *kube.Client, name, entry string, into any) error {
	content, err := client.SystemConfig(ctx, name, entry)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal([]byte(content), into); err != nil {
		return fmt.Errorf("cannot understand ConfigMap kube-system/%s: %w", name, err)
	}
	return nil
}

// ClusterKubelet returns the kubelet configuration of the whole cluster, or nil if there is no such ConfigMap.
func ClusterKubelet(ctx context.Context, client *kube.Client) (*facts.Kubelet, error) {
	content, err := client.SystemConfig(ctx, "kubelet-config", "kubelet")
	return facts.ParseKubelet(content), err
}
