package clustertest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/encryption"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/render"
)

// secretsPath is the path below which etcd has Secrets.
const secretsPath = "/registry/secrets/"

// apiConn is a connection to the API server of a host.
type apiConn struct {
	net.Conn

	host *Host
}

// makeKey answers a key of 32 bytes in base64, another one each time.
func makeKey(h *Host, _ remote.Script, answer *answers) error {
	h.cluster.keys++
	answer.add("key", fmt.Sprintf("%042dA=", h.cluster.keys))
	return nil
}

// readKeys answers the content of the key file.
func readKeys(h *Host, script remote.Script, answer *answers) error {
	if file, is := h.files[script.Args["path"]]; is {
		answer.add("content", file.content)
		answer.add("mode", fmt.Sprintf("%o root:root\n", file.mode))
	}
	return nil
}

// loadKeys has the host's API server load its key file. A file that it cannot parse leaves it with the previous keys.
func (h *Host) loadKeys() {
	config, err := encryption.Parse([]byte(h.files[render.EncryptionConfig].content))
	if err == nil {
		h.keys = config
	}
}

// metrics returns the metric that names the loaded key file. A call loads it first, as the API server does once a minute.
func (h *Host) metrics() (string, error) {
	h.loadKeys()
	if len(h.keys.Keys) == 0 {
		return "", nil
	}
	content, err := h.keys.Encode()
	return fmt.Sprintf("apiserver_encryption_config_controller_last_config_info{hash=%q} 1\n", encryption.Digest(content)), err
}

// AddSecret stores a Secret through the API server of a host.
func (c *Cluster) AddSecret(through *Host, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stored[secretsPath+"default/"+name] = through.keys.Prefix()
}

// rewriteSecret stores a Secret again, which has no effect on one that does not exist.
func (c *Cluster) rewriteSecret(through *Host, key client.ObjectKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	path := secretsPath + key.String()
	if _, there := c.stored[path]; there {
		c.stored[path] = through.keys.Prefix()
	}
}

// SecretKeys returns the names of the keys with which Secrets are encrypted in etcd.
func (c *Cluster) SecretKeys() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := map[string]bool{}
	for _, prefix := range c.stored {
		names[strings.TrimSuffix(prefix[strings.LastIndex(prefix, "key-"):], ":")] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Unreadable returns a line for each Secret that an API server cannot decrypt. It may be called by a fault.
func (c *Cluster) Unreadable() []string {
	var lines []string
	for _, host := range c.hosts {
		for path, prefix := range c.stored {
			has := func(key encryption.Key) bool {
				return encryption.Config{Keys: []encryption.Key{key}}.Prefix() == prefix
			}
			if host.apiServer && !slices.ContainsFunc(host.keys.Keys, has) {
				lines = append(lines, fmt.Sprintf("%s cannot read %s, which is %s", host.Name(), path, prefix))
			}
		}
	}
	return lines
}

// rangeSecrets answers a read of all Secrets from etcd.
func (e *etcdServer) rangeSecrets(request *http.Request) (any, error) {
	var input struct {
		Key []byte `json:"key"`
	}
	if err := json.NewDecoder(request.Body).Decode(&input); err != nil {
		return nil, err
	}
	if string(input.Key) != secretsPath {
		return nil, fmt.Errorf("etcd has no %s", input.Key)
	}
	type pair struct {
		Key   []byte `json:"key"`
		Value []byte `json:"value"`
	}
	pairs := []pair{}
	for _, path := range slices.Sorted(maps.Keys(e.cluster.stored)) {
		pairs = append(pairs, pair{[]byte(path), []byte(e.cluster.stored[path] + "sealed")})
	}
	return map[string]any{"kvs": pairs}, nil
}

// isSecret reports whether an object is a Secret of which only the metadata is known, as those are that are stored again.
func isSecret(object client.Object) bool {
	return object.GetObjectKind().GroupVersionKind().Kind == "Secret" && object.GetNamespace() == "default"
}

// throughHost returns the host whose API server dial connects to.
func throughHost(ctx context.Context, dial kube.Dial) (*Host, error) {
	conn, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	api, is := conn.(apiConn)
	if !is {
		return nil, fmt.Errorf("%T leads to no API server", conn)
	}
	return api.host, nil
}
