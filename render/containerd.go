package render

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"

	"github.com/dualstrap/dualstrap/api"
)

// registryConfigPath has one directory per registry, which containerd reads again for every pull. mirrorCAPath is
// outside of it, because containerd would take it for a registry's.
const (
	registryConfigPath = "/etc/containerd/certs.d"
	mirrorCAPath       = "/etc/containerd/mirror-ca"
)

// containerdData fills config.toml.
type containerdData struct {
	SandboxImage       string
	RegistryConfigPath string
	// Container is set if the host is itself a container.
	Container bool
}

// hostsData fills the hosts.toml of one registry.
type hostsData struct{ Mirrors []mirrorData }

// mirrorData is one mirror of a registry.
type mirrorData struct {
	Endpoint string
	// OverridePath is set if Endpoint has a path, below which the images are; without it containerd appends /v2.
	OverridePath bool
	// CACertPath is the host's copy of the mirror's certificate authorities; empty for those of the system.
	CACertPath string
	// Authorization is the value of that HTTP header; empty sends none.
	Authorization string
}

// containerdFiles returns containerd's configuration and, for each registry that has mirrors, the order in which
// containerd tries them. The hosts.toml files contain passwords, hence modeSecret.
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

// anyRegistry is the directory that containerd reads for registries that have none of their own.
const anyRegistry = "_default"

// mirroredRegistries returns the registries that have mirrors, in file order. A mirror that names no registry stands
// for anyRegistry.
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

// mirrorsOf returns the mirrors of a registry, in file order. They include those of all registries, because containerd
// reads a single directory per registry and does not fall back to anyRegistry's.
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

// mirrorCAs returns the certificate authorities of the mirrors whose configuration names a file of them.
func (r *hostRenderer) mirrorCAs() []File {
	var files []File
	for i, mirror := range r.cfg.RegistryMirrors {
		if mirror.CACertPath == "" {
			continue
		}
		content := r.later.Mirrors[mirror.Endpoint].CACert
		if len(content) == 0 {
			// A placeholder does not break the file: PEM ignores text outside of the armor.
			content = []byte(KnownAfterInit + "\n")
		}
		files = append(files, File{Path: mirrorCAFile(i), Mode: modePublic, Content: content})
	}
	return files
}

// mirrorCAFile returns the path of the certificate authorities of a mirror, by its index in the manifests. Endpoints
// contain characters that are not fit for a file name.
func mirrorCAFile(index int) string {
	return path.Join(mirrorCAPath, strconv.Itoa(index+1)+".crt")
}
