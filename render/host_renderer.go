package render

import (
	"cmp"
	"io/fs"
	"net/netip"
	"path"
	"slices"
	"text/template"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/internal/family"
)

// Modes of files. A file that holds a token, a key or a password is readable by root alone.
const (
	modePublic fs.FileMode = 0o644
	modeSecret fs.FileMode = 0o600
	modeScript fs.FileMode = 0o755
)

// configDir is the directory for configuration that has no conventional path on a host.
const configDir = "/etc/dualstrap"

// ClusterFile records on a host which cluster the host was prepared for.
const ClusterFile = configDir + "/cluster.yaml"

// hostRenderer holds everything that is the same for all hosts, so that it is computed once. It is not safe for
// concurrent use.
type hostRenderer struct {
	cfg       *api.Config
	later     Discovered
	templates *template.Template
	hosts     []host

	// controlPlanes are the hosts that run API servers; balancers are those that may hold the control plane's VIP. Both
	// are in the order of the plan.
	controlPlanes, balancers []*host
	// nameservers are the DNS servers that any host queries. A host that is one of them opens its DNS port to pods.
	nameservers map[netip.Addr]bool
	// podRanges are the ranges from which pods of any node get addresses.
	podRanges family.Pair[[]netip.Prefix]
	// snatExempt lists the IPv4 destinations that pods reach with their own address, as nft writes ranges.
	snatExempt string
	podBlocks  podBlocks

	// once caches the content of files that are the same for many hosts. The key is a filled.
	once map[any][]byte
	// firewalld caches the changes to firewalld that are the same for many hosts.
	firewalld map[firewalldKey]sharedFirewalld
}

// newHostRenderer parses the templates and computes what all hosts share.
func newHostRenderer(in Input, hosts []host) (*hostRenderer, error) {
	parsed, err := parseTemplates("host/*.tmpl")
	if err != nil {
		return nil, err
	}
	r := &hostRenderer{
		cfg: in.Config, later: in.Discovered, templates: parsed, hosts: hosts,
		podRanges:   family.Pair[[]netip.Prefix]{in.Config.PodRanges(api.IPv4), in.Config.PodRanges(api.IPv6)},
		nameservers: make(map[netip.Addr]bool),
		once:        make(map[any][]byte),
		firewalld:   make(map[firewalldKey]sharedFirewalld),
	}
	for i := range hosts {
		for _, server := range hosts[i].facts.Nameservers {
			r.nameservers[server] = true
		}
		if hosts[i].isControlPlane() {
			r.controlPlanes = append(r.controlPlanes, &hosts[i])
		}
		if in.Config.BalancesControlPlane(hosts[i].pool.Role) {
			r.balancers = append(r.balancers, &hosts[i])
		}
	}
	if !r.cfg.Network.Builtin {
		return r, nil // pods of a third-party network may have any address
	}
	if r.snatExempt, err = snatExempt(hosts); err != nil {
		return nil, err
	}
	r.podBlocks, err = newPodBlocks(r.podRanges, hosts)
	return r, err
}

// render returns everything that is written to or shown for one host.
func (r *hostRenderer) render(h *host) (HostFiles, error) {
	rendered := HostFiles{Address: h.node.Address, Role: h.pool.Role}
	parts := []func(*host) ([]File, error){
		r.clusterFile,
		r.sysctlFiles,
		r.tmpfilesFiles,
		r.systemdFiles,
		r.containerdFiles,
		r.kubeadmFiles,
		r.apiServerFiles,
		r.loadBalancerFiles,
		r.agentFiles,
	}
	for _, part := range parts {
		files, err := part(h)
		if err != nil {
			return HostFiles{}, err
		}
		rendered.Files = append(rendered.Files, files...)
	}
	wanted, file, err := r.firewalldFiles(h)
	if err != nil {
		return HostFiles{}, err
	}
	rendered.Firewalld = wanted
	rendered.Files = append(rendered.Files, file)
	slices.SortFunc(rendered.Files, compareFiles)
	for i := range rendered.Files {
		rendered.Files[i].Host = h.node.Address.String()
	}
	return rendered, nil
}

// compareFiles orders files of one host by path, absolute ones first.
func compareFiles(a, b File) int {
	if path.IsAbs(a.Path) != path.IsAbs(b.Path) {
		if path.IsAbs(a.Path) {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.Path, b.Path)
}

// file fills a template for one host. Use sharedFile for content that many hosts have in common.
func (r *hostRenderer) file(name, hostPath string, mode fs.FileMode, data any) (File, error) {
	content, err := fill(r.templates, name, data)
	return File{Path: hostPath, Mode: mode, Content: content}, err
}

// filled identifies a file's content: a template and the data that it is filled with.
type filled[T comparable] struct {
	name string
	data T
}

// sharedFile fills a template once for all hosts that have the same data. Clusters have thousands of hosts, which
// differ in only a few of their files.
func sharedFile[T comparable](r *hostRenderer, name, hostPath string, data T) (File, error) {
	key := filled[T]{name: name, data: data}
	content, done := r.once[key]
	if !done {
		var err error
		if content, err = fill(r.templates, name, data); err != nil {
			return File{}, err
		}
		r.once[key] = content
	}
	return File{Path: hostPath, Mode: modePublic, Content: content}, nil
}
