package create

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/provision/refusal"
	"github.com/dualstrap/dualstrap/provision/session"
)

// versionReasons returns a reason for each version of Kubernetes in the cluster that is not the one in the manifests.
// Run cannot upgrade: it replaces kubelets on all hosts at once, without draining, and does not change API servers,
// while a kubelet must not be newer than its API server (https://kubernetes.io/releases/version-skew-policy/).
func versionReasons(ctx context.Context, s *session.Session, client *kube.Client, nodes []kube.Node) ([]string, error) {
	server, err := client.Version(ctx)
	if err != nil {
		return nil, err
	}
	wanted := s.Config.Kubernetes.Kubernetes
	var reasons []string
	if server != wanted {
		reasons = append(reasons, fmt.Sprintf("the API server is Kubernetes %s, and the manifests ask for %s, which create cannot change "+
			"on a running cluster: to keep what runs, write anthosBareMetalVersion: %s, or kubernetesVersion: %s in ProvisionOptions",
			server, wanted, strings.TrimPrefix(server, "v"), server))
	}
	return slices.Concat(reasons, kubeletReasons(wanted, nodes, nodeNames(s))), nil
}

// kubeletReasons returns the reasons for joined nodes in the manifests whose kubelet does not have the wanted version. Nodes
// that are not in the manifests do not count, because create does not change them.
func kubeletReasons(wanted string, nodes []kube.Node, listed map[string]bool) []string {
	var others refusal.Differences
	for _, node := range nodes {
		if node.Joined && node.KubeletVersion != wanted && listed[node.Name] {
			others.AddAt(fmt.Sprintf("the kubelet is Kubernetes %s, and the manifests ask for %s", node.KubeletVersion, wanted), node.Name)
		}
	}
	return others.Reasons()
}
