//go:build integration

package keys

import (
	"context"
	"maps"
	"net"
	"net/netip"
	"path"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
	"github.com/dualstrap/dualstrap/internal/kubetest"
	"github.com/dualstrap/dualstrap/provision/encryption"
	"github.com/dualstrap/dualstrap/provision/etcd"
	"github.com/dualstrap/dualstrap/provision/kube"
)

// keysPath is the path of the key file on the hosts of this test, as scripts see it.
const keysPath = "/keys/encryption.yaml"

// roomHost is a host on this machine whose files are in a directory.
type roomHost struct {
	remote.Host
	address netip.Addr
	dir     string
}

func (h roomHost) Address() netip.Addr { return h.address }

func (h roomHost) Probe(ctx context.Context, script remote.Script) (remote.Answer, error) {
	if script.Args["path"] == keysPath {
		script.Args = maps.Clone(script.Args)
		script.Args["path"] = path.Join(h.dir, keysPath)
	}
	return h.Host.Probe(ctx, script)
}

func (h roomHost) WriteFiles(ctx context.Context, files []remote.File) ([]string, error) {
	for i := range files {
		files[i].Path = path.Join(h.dir, files[i].Path)
	}
	return h.Host.WriteFiles(ctx, files)
}

// encrypted is a control plane with two real API servers that encrypt Secrets.
type encrypted struct {
	files   Files
	hosts   map[netip.Addr]remote.Host
	order   []netip.Addr
	servers map[netip.Addr]kubetest.Server
	clients map[netip.Addr]*kube.Client
	etcd    *etcd.Client
}

func dialTo(to netip.AddrPort) kube.Dial {
	return func(ctx context.Context) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "tcp", to.String())
	}
}

func newEncrypted(t *testing.T) *encrypted {
	t.Helper()
	ssh := remotetest.NewServer(t, remotetest.Options{})
	pool, err := remote.NewPool(ssh.Settings())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	here, err := pool.Host(t.Context(), ssh.Addr().Addr())
	if err != nil {
		t.Fatal(err)
	}
	e := &encrypted{
		files: Files{Path: keysPath, Secrets: &remote.Secrets{}}, hosts: map[netip.Addr]remote.Host{},
		servers: map[netip.Addr]kubetest.Server{}, clients: map[netip.Addr]*kube.Client{},
	}
	secret, err := e.files.generate(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	content, err := encryption.First(secret).Encode()
	if err != nil {
		t.Fatal(err)
	}
	var server kubetest.Server
	for i, text := range []string{"192.0.2.1", "192.0.2.2"} {
		host := roomHost{Host: here, address: netip.MustParseAddr(text), dir: t.TempDir()}
		if err := e.files.write(t.Context(), host, content); err != nil {
			t.Fatal(err)
		}
		flags := []string{
			"--encryption-provider-config=" + path.Join(host.dir, keysPath), "--encryption-provider-config-automatic-reload=true",
		}
		if i == 0 {
			server = kubetest.StartServer(t, flags...)
		} else {
			server = server.Another(t, flags...)
		}
		admin := kube.Admin{CA: server.CA, Certificate: server.Certificate, Key: server.Key}
		client := kube.Connect(admin, server.Endpoint, dialTo(server.Endpoint))
		if err := client.Ready(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		e.order = append(e.order, host.address)
		e.hosts[host.address], e.servers[host.address], e.clients[host.address] = host, server, client
	}
	credentials := etcd.Credentials{CA: server.EtcdCA, Certificate: server.Certificate, Key: server.Key}
	e.etcd, err = etcd.New(server.Etcd, credentials, func(ctx context.Context, to netip.AddrPort) (net.Conn, error) { return dialTo(to)(ctx) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.etcd.Close)
	return e
}

func (e *encrypted) stored(ctx context.Context, prefix string) ([]string, error) {
	return e.etcd.KeysWithout(ctx, SecretsPath, prefix)
}

// found reads the key files of all hosts.
func (e *encrypted) found(t *testing.T) map[netip.Addr]File {
	t.Helper()
	found := map[netip.Addr]File{}
	for _, address := range e.order {
		file, err := e.files.Read(t.Context(), e.hosts[address])
		if err != nil {
			t.Fatal(err)
		}
		found[address] = file
	}
	return found
}
