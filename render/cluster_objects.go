package render

import (
	"bytes"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/api/v1alpha1"
)

// encodeYAML returns the objects as a stream of YAML documents.
func encodeYAML(objects []any) ([]byte, error) {
	var stream bytes.Buffer
	for i, object := range objects {
		if i > 0 {
			stream.WriteString("---\n")
		}
		document, err := yaml.Marshal(object)
		if err != nil {
			return nil, err
		}
		stream.Write(document)
	}
	return stream.Bytes(), nil
}

// namespaces returns the Namespace of the cluster's own objects and those of the workloads. The workloads use the
// host's network and capabilities, so their Namespaces allow the privileged Pod Security Standard: API servers that
// enforce a stricter one by default would refuse the pods.
func namespaces(cfg *api.Config) []any {
	objects := []any{corev1.Namespace(cfg.Namespace).WithLabels(namespaceLabels(cfg))}
	system := []string{SystemNamespace}
	if cfg.LoadBalancer.Services == api.ServicesLayer2 {
		system = append(system, MetalLBNamespace)
	}
	for _, name := range system {
		objects = append(objects, corev1.Namespace(name).WithLabels(map[string]string{
			"pod-security.kubernetes.io/enforce": "privileged",
		}))
	}
	return objects
}

// namespaceLabels returns the labels that the manifests put on the cluster's Namespace.
func namespaceLabels(cfg *api.Config) map[string]string {
	for _, namespace := range cfg.Manifests.Namespaces {
		if namespace.Value.Name == cfg.Namespace {
			return namespace.Value.Labels
		}
	}
	return nil
}

// customResources returns the Cluster, the NodePools and the ClusterCIDRConfigs as the user wrote them, in file order,
// without the fields that belong to the API server and the controllers.
func customResources(m *api.Manifests) []any {
	var objects []any
	for _, cluster := range m.Clusters {
		cluster.Value.ObjectMeta = authored(cluster.Value.ObjectMeta)
		objects = append(objects, cluster.Value)
	}
	for _, pool := range m.NodePools {
		pool.Value.ObjectMeta = authored(pool.Value.ObjectMeta)
		objects = append(objects, pool.Value)
	}
	for _, ranges := range m.ClusterCIDRConfigs {
		ranges.Value.ObjectMeta = authored(ranges.Value.ObjectMeta)
		ranges.Value.Status = v1alpha1.ClusterCIDRConfigStatus{}
		objects = append(objects, ranges.Value)
	}
	return objects
}

// authored returns the metadata that the user decides on: name, namespace, labels and annotations.
func authored(m metav1.ObjectMeta) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: m.Name, Namespace: m.Namespace, Labels: m.Labels, Annotations: m.Annotations}
}
