package lab

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the template below
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"text/template"
)

//go:embed cluster.yaml.tmpl
var manifestTemplate string

// manifest holds the values of the template of cluster.yaml.
type manifest struct {
	// Summary is the first line's description of the lab.
	Name, Summary                         string
	ControlPlanes, Workers, LoadBalancers []Host
	Client                                Host
	// KeyPath and KnownHostsPath are absolute, since cluster.yaml may be used from any directory.
	KeyPath, KnownHostsPath string
	// CgroupV1 allows kubelets to start on cgroup v1.
	CgroupV1 bool
}

// newManifest returns the values that depend on the spec alone.
func newManifest(spec Spec) manifest {
	hosts := map[Role][]Host{}
	for _, host := range spec.Hosts() {
		hosts[host.Role] = append(hosts[host.Role], host)
	}
	return manifest{
		Name: spec.Name,
		Summary: fmt.Sprintf("Lab %s, %d + %d + %d hosts (control planes, workers, load balancers)",
			spec.Name, spec.ControlPlanes, spec.Workers, spec.LoadBalancers),
		ControlPlanes: hosts[ControlPlane],
		Workers:       hosts[Worker],
		LoadBalancers: hosts[LoadBalancer],
		Client:        hosts[Client][0],
	}
}

// render returns the sealed content of cluster.yaml.
func (m manifest) render() ([]byte, error) {
	// Every JSON string is a valid YAML string, whatever characters the path contains.
	quote := func(s string) (string, error) {
		quoted, err := json.Marshal(s)
		return string(quoted), err
	}
	parsed, err := template.New("cluster.yaml").Option("missingkey=error").
		Funcs(template.FuncMap{"quote": quote}).Parse(manifestTemplate)
	if err != nil {
		return nil, fmt.Errorf("cannot render cluster.yaml: %w", err)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, m); err != nil {
		return nil, fmt.Errorf("cannot render cluster.yaml: %w", err)
	}
	return seal(out.Bytes()), nil
}

// sealPrefix begins the first line of a sealed file; the digest of the rest follows.
const sealPrefix = "# Written by dualstrap lab; edit it, and it is yours. sha256:"

// seal prepends a line with the digest of the content. It shows later whether the user has edited the file.
func seal(content []byte) []byte {
	sum := sha256.Sum256(content)
	return append([]byte(sealPrefix+hex.EncodeToString(sum[:])+"\n"), content...)
}

// isUnedited reports whether a file is unchanged since seal returned it.
func isUnedited(file []byte) bool {
	first, rest, _ := bytes.Cut(file, []byte("\n"))
	return strings.HasPrefix(string(first), sealPrefix) && bytes.Equal(seal(rest), file)
}
