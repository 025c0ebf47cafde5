package render

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"

	"github.com/dualstrap/dualstrap/api"
)

const (
	registryConfigPath = "/etc/containerd/certs.d"
	mirrorCAPath       = "/etc/containerd/mirror-ca"
)

// containerdData fills config.toml.
type containerdData struct {
	SandboxImage       string
	RegistryConfigPath string
	Container          bool
}

// hostsData fills the hosts.toml of one registry.
type hostsData struct{ Mirrors []mirrorData }

// mirrorData is one mirror of a registry.
type mirrorData struct {
	Endpoint string
	// OverridePath is set when Endpoint says where below /v2/ the images are.
	OverridePath  bool
	CACertPath    string
	Authorization string
}

// containerdFiles are containerd's configuration and, for each registry that has mirrors, the order
// in which to ask them.
func (r *hostRenderer) containerdFiles(h *host) ([]File, error) {
	data := containerdData{
		SandboxImage:       api.Image("pause", api.PauseVersion),
		RegistryConfigPath: registryConfigPath,
		Container:          h.facts.Container,
	}
	config, err := sharedFile(r, "containerd.toml", "/etc/containerd/config.toml", data)
	if err != nil {
		return nil, err
	}
	files := []File{config}
	for _, registry := range mirroredRegistries(r.cfg.RegistryMirrors) {
		if path.Base(registry) != registry {
			return nil, fmt.Errorf("cannot configure mirrors of registry %q: it is a path and not a host", registry)
		}
		mirrors, err := r.mirrorsOf(registry)
		if err != nil {
			return nil, err
		}
		file, err := r.file("hosts.toml", path.Join(registryConfigPath, registry, "hosts.toml"), modeSecret, hostsData{mirrors})
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return append(files, r.mirrorCAs()...), nil
}

// anyRegistry is containerd's name for registries that have no directory of their own.
const anyRegistry = "_default"

// mirroredRegistries are the registries that mirrors are named for, in file order.
func mirroredRegistries(mirrors []api.RegistryMirror) []string {
	var registries []string
	for _, mirror := range mirrors {
		names := mirror.Hosts
		if len(names) == 0 {
			names = []string{anyRegistry}
		}
		for _, name := range names {
			if !slices.Contains(registries, name) {
				registries = append(registries, name)
			}
		}
	}
	return registries
}

// mirrorsOf are the mirrors that stand for a registry, in file order. Those that stand for all are
// among them, because containerd looks at one directory only.
func (r *hostRenderer) mirrorsOf(registry string) ([]mirrorData, error) {
	var mirrors []mirrorData
	for i, mirror := range r.cfg.RegistryMirrors {
		if len(mirror.Hosts) > 0 && !slices.Contains(mirror.Hosts, registry) {
			continue
		}
		endpoint, err := url.Parse(mirror.Endpoint)
		if err != nil {
			return nil, fmt.Errorf("cannot use registry mirror: %w", err)
		}
		data := mirrorData{Endpoint: mirror.Endpoint, OverridePath: endpoint.Path != "" && endpoint.Path != "/"}
		if mirror.CACertPath != "" {
			data.CACertPath = mirrorCAFile(i)
		}
		if mirror.PullCredentialConfigPath != "" {
			data.Authorization = orInit(r.later.Mirrors[mirror.Endpoint].Authorization)
		}
		mirrors = append(mirrors, data)
	}
	return mirrors, nil
}

// mirrorCAs are the certificate authorities of the mirrors that name one.
func (r *hostRenderer) mirrorCAs() []File {
	var files []File
	for i, mirror := range r.cfg.RegistryMirrors {
		if mirror.CACertPath == "" {
			continue
		}
		content := r.later.Mirrors[mirror.Endpoint].CACert
		if len(content) == 0 {
			// Text outside of the armour is a comment in PEM.
			content = []byte(KnownAfterInit + "\n")
		}
		files = append(files, File{Path: mirrorCAFile(i), Mode: modePublic, Content: content})
	}
	return files
}

func mirrorCAFile(index int) string {
	return path.Join(mirrorCAPath, strconv.Itoa(index+1)+".crt")
}
