package render

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/templates"
)

const (
	// SystemNamespace is the namespace of dualstrap's own workloads. It is not kube-system, where a permission on
	// leases would include those of Kubernetes itself.
	SystemNamespace = "dualstrap-system"
	// MetalLBNamespace is the namespace that MetalLB's documentation uses.
	MetalLBNamespace = "metallb-system"

	// LabelLoadBalancerNode marks the nodes that announce the addresses of Services.
	LabelLoadBalancerNode = "baremetal.cluster.gke.io/lbnode"
	// LabelWorkerRole makes `kubectl get nodes` show the role of a worker.
	LabelWorkerRole = "node-role.kubernetes.io/worker"
)

// NodesManifest is the path of the manifest of the Nodes, which is not applied like the others: see [Cluster].
const NodesManifest = "30-nodes.yaml"

// Cluster returns the manifests of the cluster, in the order in which they are applied: namespaces first, definitions
// before objects of their kinds, Nodes before what runs on them.
//
// All manifests are for server-side apply, except for [NodesManifest]. Its Nodes are created if they do not exist. A
// Node that a kubelet has registered first, as on the first control plane node, gets its labels, podCIDRs and
// providerID by a patch: applying a list of taints would remove the taints that Kubernetes itself has added.
//
// No manifest contains a secret.
func Cluster(in Input) ([]File, error) {
	hosts, err := resolveHosts(in)
	if err != nil {
		return nil, err
	}
	cfg := in.Config
	parsed, err := parseTemplates("cluster/*.tmpl")
	if err != nil {
		return nil, err
	}
	values := newClusterValues(in)
	filled := func(template string) func() ([]byte, error) {
		return func() ([]byte, error) { return fill(parsed, template, values) }
	}
	hasMetalLB := cfg.LoadBalancer.Services == api.ServicesLayer2
	return renderManifests([]manifest{
		{"00-namespaces.yaml", true, func() ([]byte, error) { return encodeYAML(namespaces(cfg)) }},
		{"10-crds.yaml", true, func() ([]byte, error) { return readAll("cluster/crds") }},
		{"20-objects.yaml", true, func() ([]byte, error) { return Objects(cfg) }},
		{NodesManifest, true, func() ([]byte, error) { return encodeYAML(nodeObjects(cfg, hosts)) }},
		{"40-controller.yaml", true, filled("controller.yaml")},
		{"50-agent.yaml", cfg.Network.Builtin, filled("agent.yaml")},
		{"60-kube-dns.yaml", true, filled("kube-dns.yaml")},
		{"70-metallb-crds.yaml", hasMetalLB, func() ([]byte, error) { return readAll("cluster/metallb-crds") }},
		{"71-metallb.yaml", hasMetalLB, filled("metallb.yaml")},
		{"72-address-pools.yaml", hasMetalLB, func() ([]byte, error) { return encodeYAML(loadBalancing(cfg, hosts)) }},
	})
}

// Objects returns the custom resources of the manifests as YAML, as the cluster stores them.
func Objects(cfg *api.Config) ([]byte, error) { return encodeYAML(customResources(cfg.Manifests)) }

// manifest is one file that Cluster may return. content is called only if wanted is true.
type manifest struct {
	path    string
	wanted  bool
	content func() ([]byte, error)
}

// renderManifests returns the wanted manifests in their order.
func renderManifests(manifests []manifest) ([]File, error) {
	var files []File
	for _, m := range manifests {
		if !m.wanted {
			continue
		}
		content, err := m.content()
		if err != nil {
			return nil, fmt.Errorf("cannot render %s: %w", m.path, err)
		}
		files = append(files, File{Path: m.path, Mode: modePublic, Content: content})
	}
	return files, nil
}

// clusterValues holds the values for the templates under templates/cluster.
type clusterValues struct {
	SystemNamespace string
	// Version is dualstrap's own version, and Image the image that its workloads run.
	Version, Image string
	// ControllerReplicas is the number of controllers, of which one leads: two, or one if there is a single control
	// plane node.
	ControllerReplicas int
	// APIServerPort is the port of each API server, and VIPPort that of the load balancer in front of them.
	APIServerPort, VIPPort string
	VIP                    string
	// APIServerNames are the names and addresses in the API servers' certificates that do not belong to a node,
	// separated by commas.
	APIServerNames string
	FlatIPv4       bool
	// PodRanges are the ranges from which pods of any node get addresses, separated by commas.
	PodRanges string

	MetalLBController, MetalLBSpeaker string
	// LoadBalancerLabel marks the nodes on which MetalLB's speakers run.
	LoadBalancerLabel string
}

// newClusterValues computes the values of the templates. There are never more controllers than control plane nodes,
// each of which has room for one.
func newClusterValues(in Input) clusterValues {
	version := in.Version
	if version == "" {
		version = "dev"
	}
	return clusterValues{
		SystemNamespace:    SystemNamespace,
		Version:            version,
		Image:              api.Image("dualstrap", version),
		ControllerReplicas: min(2, countNodes(in.Config, api.RoleControlPlane)),
		APIServerPort:      strconv.Itoa(in.Config.APIServerPort()),
		VIP:                in.Config.LoadBalancer.ControlPlaneVIP.String(),
		VIPPort:            strconv.Itoa(in.Config.LoadBalancer.Port),
		APIServerNames:     apiServerNames(in.Config),
		FlatIPv4:           in.Config.Network.FlatIPv4,
		PodRanges:          podRanges(in.Config),
		MetalLBController:  api.Image("metallb-controller", api.MetalLBVersion),
		MetalLBSpeaker:     api.Image("metallb-speaker", api.MetalLBVersion),
		LoadBalancerLabel:  LabelLoadBalancerNode,
	}
}

// apiServerNames returns the VIP and the further names of the manifests, separated by commas.
func apiServerNames(cfg *api.Config) string {
	names := append([]string{cfg.LoadBalancer.ControlPlaneVIP.String()}, cfg.APIServerCertExtraSANs...)
	return strings.Join(names, ",")
}

// podRanges returns the ranges of pods of both families, IPv4 first, separated by commas.
func podRanges(cfg *api.Config) string {
	var words []string
	for _, family := range []api.Family{api.IPv4, api.IPv6} {
		for _, podRange := range cfg.PodRanges(family) {
			words = append(words, podRange.String())
		}
	}
	return strings.Join(words, ",")
}

// countNodes returns the number of nodes with a role.
func countNodes(cfg *api.Config, role api.Role) int {
	count := 0
	for i := range cfg.Pools {
		if cfg.Pools[i].Role == role {
			count += len(cfg.Pools[i].Nodes)
		}
	}
	return count
}

// readAll returns the concatenated files of a directory of the templates, sorted by name.
func readAll(dir string) ([]byte, error) {
	entries, err := templates.FS.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []byte
	for _, entry := range entries {
		content, err := templates.FS.ReadFile(path.Join(dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, content...) // each file begins with ---
	}
	return all, nil
}
