package render

import (
	"cmp"
	"io/fs"
	"net/netip"
	"path"
	"slices"
	"text/template"

	"github.com/dualstrap/dualstrap/api"
)

// Modes of files. What holds a token, a key or a password is for root alone.
const (
	modePublic fs.FileMode = 0o644
	modeSecret fs.FileMode = 0o600
	modeScript fs.FileMode = 0o755
)

// configDir is where configuration on a host lives that has no place of its own.
const configDir = "/etc/dualstrap"

// ClusterFile says on a host which cluster it is prepared for.
const ClusterFile = configDir + "/cluster.yaml"

// hostRenderer has what all hosts share.
type hostRenderer struct {
	cfg       *api.Config
	later     Discovered
	templates *template.Template
	hosts     []host

	// controlPlanes run API servers; balancers may hold the control plane's VIP.
	controlPlanes, balancers []*host
	// nameservers are those that hosts ask.
	nameservers map[netip.Addr]bool
	// podRanges4 and podRanges6 are where pods of any node may be.
	podRanges4, podRanges6 []netip.Prefix
	// snatExempt are the IPv4 addresses that pods reach with their own.
	snatExempt string
	podBlocks  podBlocks

	// once holds what was filled for one host and is the same for others, by its data.
	once map[any][]byte
	// firewalld holds what was worked out for one host and is the same for others.
	firewalld map[firewalldKey]sharedFirewalld
}

func newHostRenderer(in Input, hosts []host) (*hostRenderer, error) {
	parsed, err := parseTemplates("host/*.tmpl")
	if err != nil {
		return nil, err
	}
	r := &hostRenderer{
		cfg: in.Config, later: in.Discovered, templates: parsed, hosts: hosts,
		podRanges4:  in.Config.PodRanges(api.IPv4),
		podRanges6:  in.Config.PodRanges(api.IPv6),
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
		return r, nil // somebody else's pods may have any address
	}
	if r.snatExempt, err = snatExempt(hosts); err != nil {
		return nil, err
	}
	r.podBlocks, err = newPodBlocks(r.podRanges4, r.podRanges6, hosts)
	return r, err
}

// render gives everything that one host gets.
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
	firewalld, file, err := r.firewalldFiles(h)
	if err != nil {
		return HostFiles{}, err
	}
	rendered.Firewalld = firewalld
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

// file fills a template for one host.
func (r *hostRenderer) file(name, hostPath string, mode fs.FileMode, data any) (File, error) {
	content, err := fill(r.templates, name, data)
	return File{Path: hostPath, Mode: mode, Content: content}, err
}

// filled is a template and the data it was filled with.
type filled[T comparable] struct {
	name string
	data T
}

// sharedFile fills a template once for all hosts that have the same data. Thousands of hosts differ
// in few of their files.
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
