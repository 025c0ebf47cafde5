package clustertest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/internal/certtest"
	"github.com/dualstrap/dualstrap/provision/kube"
)

// Cluster is the hosts of a configuration, bare at first. It is safe for concurrent use.
type Cluster struct {
	tb     testing.TB
	config *api.Config
	ca     certtest.Authority
	api    *apiServer
	etcd   *etcdServer

	mu    sync.Mutex // guards what follows and the state of all hosts
	hosts []*Host
	calls []Call
	fault func(Call) Fault
	// keys is how many keys for Secrets were made. stored holds, by their path in etcd, what the values of Secrets begin with,
	// which names the key.
	keys   int
	stored map[string]string
}

// Call is something that a session did on a host.
type Call struct {
	Host netip.Addr
	// Name is the name of the script, or "write files" or "upload".
	Name string
	// Changes reports whether the call may change the host. Locks do not count as changes.
	Changes bool
}

// String returns the address and the name.
func (c Call) String() string { return c.Host.String() + " " + c.Name }

// Fault says how a call goes wrong.
type Fault int

// Faults.
const (
	// None means that the call succeeds.
	None Fault = iota
	// Before means that the connection is lost before the host has done anything.
	Before
	// After means that the connection is lost after the host has done everything.
	After
	// Exits means that the script does nothing and fails.
	Exits
	// Halfway means that kubeadm is killed after it has added a learner to etcd, which never gets a vote.
	Halfway
	// Lingers means that the connection is lost while kubeadm joins the host. That kubeadm still adds a member to etcd when
	// the next run is about to stop it.
	Lingers
)

// New returns the hosts of a configuration. They fail the test if they are asked for anything that they do not know.
func New(tb testing.TB, config *api.Config) *Cluster {
	tb.Helper()
	c := &Cluster{tb: tb, config: config, ca: certtest.New(tb), stored: map[string]string{}}
	c.api = &apiServer{cluster: c, client: c.newClient()}
	c.etcd = newEtcdServer(c)
	for i := range config.Pools {
		pool := &config.Pools[i]
		for j := range pool.Nodes {
			node := &pool.Nodes[j]
			host := newHost(c, node, len(c.hosts))
			host.controlPlane, host.balancer = pool.Role == api.RoleControlPlane, config.BalancesControlPlane(pool.Role)
			c.hosts = append(c.hosts, host)
		}
	}
	return c
}

// Host returns a host by its address.
func (c *Cluster) Host(address netip.Addr) *Host {
	for _, host := range c.hosts {
		if host.node.Address == address {
			return host
		}
	}
	c.tb.Errorf("there is no host %s", address)
	return nil
}

// Hosts returns all hosts, in the order of the configuration.
func (c *Cluster) Hosts() []*Host { return slices.Clone(c.hosts) }

// Break makes fault decide about every call from now on. It is called with a lock held, one call at a time.
func (c *Cluster) Break(fault func(Call) Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = fault
}

// Calls returns all calls so far, or since the last [Cluster.Forget].
func (c *Cluster) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// Changes returns the calls that may have changed a host.
func (c *Cluster) Changes() []Call {
	return slices.DeleteFunc(c.Calls(), func(call Call) bool { return !call.Changes })
}

// Forget drops the calls so far.
func (c *Cluster) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = nil
}

// begin records a call and returns its fault. The caller holds c.mu.
func (c *Cluster) begin(call Call) Fault {
	c.calls = append(c.calls, call)
	if c.fault == nil {
		return None
	}
	return c.fault(call)
}

// Connect returns connections to the hosts. It has the type of session.Options.Connect.
func (c *Cluster) Connect(remote.Settings) (remote.Hosts, error) {
	return &connections{cluster: c}, nil
}

// API returns a client of the cluster's API servers. Each request connects with dial first, as a request over the network
// does. It has the type of session.Options.API.
func (c *Cluster) API(admin kube.Admin, _ netip.AddrPort, dial kube.Dial) *kube.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	objects := dialing(c.api.client, dial, c.rewriteSecret)
	client, err := kube.New(objects, roundTripper(func(request *http.Request) (*http.Response, error) {
		host, err := throughHost(request.Context(), dial)
		if err != nil {
			return nil, err
		}
		return c.api.answer(request, host)
	}), admin.CA)
	if err != nil {
		c.tb.Error(err)
	}
	return client
}

// roundTripper is a function that is an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// connections implements remote.Hosts.
type connections struct {
	cluster *Cluster

	mu     sync.Mutex // guards closed
	closed bool
}

// Close implements remote.Hosts.
func (c *connections) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

// Host implements remote.Hosts.
func (c *connections) Host(ctx context.Context, address netip.Addr) (remote.Host, error) {
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	host := c.cluster.Host(address)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case closed:
		return nil, fmt.Errorf("%w: the connections are closed", remote.ErrConnectionLost)
	case host == nil || host.isDown():
		return nil, &remote.Error{
			Op: "cannot connect to " + address.String(), Reason: remote.ErrUnreachable, Err: fmt.Errorf("connection refused"),
		}
	}
	return connection{host}, nil
}

// Dial implements remote.Hosts. It connects to API servers and to etcd.
func (c *connections) Dial(ctx context.Context, address netip.Addr, to netip.AddrPort) (net.Conn, error) {
	if _, err := c.Host(ctx, address); err != nil {
		return nil, err
	}
	target := c.cluster.listening(to)
	switch {
	case c.cluster.Host(address).refusesForwarding():
		return nil, &remote.Error{Op: "cannot connect through " + address.String(), Reason: remote.ErrProtocol}
	case target == nil:
		return nil, fmt.Errorf("connect failed: %s: connection refused", to)
	case to.Port() == etcdPort:
		return c.cluster.etcd.connect(target)
	}
	near, far := net.Pipe()
	return apiConn{Conn: near, host: target}, far.Close()
}

// etcdPort is the port at which etcd serves clients.
const etcdPort = 2379

// listening returns the host that serves an address, or nil.
func (c *Cluster) listening(to netip.AddrPort) *Host {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, host := range c.hosts {
		isEtcd := to.Port() == etcdPort && host.etcd
		isAPI := int(to.Port()) == c.config.APIServerPort() && host.apiServer
		if host.node.K8sIP == to.Addr() && !host.down && (isEtcd || isAPI) {
			return host
		}
	}
	return nil
}
