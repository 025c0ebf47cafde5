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
	// SystemNamespace holds dualstrap's own workloads. It is not kube-system, where a right to leases
	// would be one to those of Kubernetes itself.
	SystemNamespace = "dualstrap-system"
	// MetalLBNamespace is the one that MetalLB's documentation uses.
	MetalLBNamespace = "metallb-system"

	// LabelLoadBalancerNode marks the nodes that announce the addresses of Services.
	LabelLoadBalancerNode = "baremetal.cluster.gke.io/lbnode"
	// LabelWorkerRole is what `kubectl get nodes` shows as the role of a worker.
	LabelWorkerRole = "node-role.kubernetes.io/worker"
)

// NodesManifest is the manifest of the Nodes, which are not applied like the others: see [Cluster].
const NodesManifest = "30-nodes.yaml"

// Cluster renders the manifests that go into the cluster, in the order in which they are applied:
// namespaces, definitions before objects of their kinds, nodes before what runs on them.
//
// All are for server-side apply, except for 30-nodes.yaml. Its Nodes are created where they are
// missing. Those that a kubelet registered first, as on the first control plane, get the labels,
// podCIDRs and providerID by a patch: to apply a list of taints is to remove the ones that
// Kubernetes itself has put there.
//
// No manifest holds a secret.
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
	return renderManifests([]manifest{
		{"00-namespaces.yaml", true, func() ([]byte, error) { return encodeYAML(namespaces(cfg)) }},
		{"10-crds.yaml", true, func() ([]byte, error) { return readAll("cluster/crds") }},
		{"20-objects.yaml", true, func() ([]byte, error) { return Objects(cfg) }},
		{NodesManifest, true, func() ([]byte, error) { return encodeYAML(nodeObjects(cfg, hosts)) }},
		{"40-controller.yaml", true, filled("controller.yaml")},
		{"50-agent.yaml", cfg.Network.Builtin, filled("agent.yaml")},
		{"60-kube-dns.yaml", true, filled("kube-dns.yaml")},
		{"70-metallb-crds.yaml", cfg.LoadBalancer.Bundled, func() ([]byte, error) { return readAll("cluster/metallb-crds") }},
		{"71-metallb.yaml", cfg.LoadBalancer.Bundled, filled("metallb.yaml")},
		{"72-address-pools.yaml", cfg.LoadBalancer.Bundled, func() ([]byte, error) { return encodeYAML(loadBalancing(cfg, hosts)) }},
	})
}

// Objects renders the manifests' own objects, as the cluster keeps them.
func Objects(cfg *api.Config) ([]byte, error) { return encodeYAML(customResources(cfg.Manifests)) }

// manifest is one file of Cluster.
type manifest struct {
	path    string
	wanted  bool
	content func() ([]byte, error)
}

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

// clusterValues is what the templates under templates/cluster fill in.
type clusterValues struct {
	SystemNamespace string
	// Version is dualstrap's own, Image the one it runs from in the cluster.
	Version, Image string
	// ControllerReplicas is how many controllers there are; one of them leads.
	ControllerReplicas int
	// APIServerPort is that of each API server, VIPPort that of the load balancer in front of them.
	APIServerPort, VIPPort string
	VIP                    string
	// APIServerNames are the names and addresses of API servers' certificates that are no node's, parted by commas.
	APIServerNames string
	FlatIPv4       bool
	// PodRanges are where pods of any node may be, parted by commas.
	PodRanges string

	MetalLBController, MetalLBSpeaker string
	// LoadBalancerLabel marks the nodes on which MetalLB's speakers run.
	LoadBalancerLabel string
}

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

func apiServerNames(cfg *api.Config) string {
	names := append([]string{cfg.LoadBalancer.ControlPlaneVIP.String()}, cfg.APIServerCertExtraSANs...)
	return strings.Join(names, ",")
}

func podRanges(cfg *api.Config) string {
	var words []string
	for _, family := range []api.Family{api.IPv4, api.IPv6} {
		for _, podRange := range cfg.PodRanges(family) {
			words = append(words, podRange.String())
		}
	}
	return strings.Join(words, ",")
}

func countNodes(cfg *api.Config, role api.Role) int {
	count := 0
	for i := range cfg.Pools {
		if cfg.Pools[i].Role == role {
			count += len(cfg.Pools[i].Nodes)
		}
	}
	return count
}

// readAll gives the files of a directory of the templates as one, in the order of their names.
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
		all = append(all, content...) // each begins with ---
	}
	return all, nil
}
