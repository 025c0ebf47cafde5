package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/kube"
)

const (
	// dialTimeout limits the connection to one control plane node. After it, the next one is tried.
	dialTimeout = 5 * time.Second
	// apiTimeout is how long to wait until the API server of an existing cluster is ready.
	apiTimeout = 2 * time.Minute
)

// API connects to the cluster's API servers. The connections go through the SSH servers of the control plane nodes,
// because the user's machine may not reach the API servers' addresses.
type API struct {
	session *Session

	mu sync.Mutex // guards cached and admin
	// cached and admin are set by the first successful call of Client.
	cached *kube.Client
	admin  kube.Admin
	// leaving holds the nodes that this run removes from the cluster.
	leaving []netip.Addr
	// joined holds the addresses (netip.Addr) of hosts that joined during this run. Facts.Membership.Joined covers those
	// that had joined when they were probed.
	joined sync.Map
}

// Leave keeps the run from using the API servers of nodes that it removes from the cluster. It must be called before the first
// phase.
func (a *API) Leave(nodes []netip.Addr) { a.leaving = nodes }

// MarkJoined records that a host has become a node.
func (a *API) MarkJoined(address netip.Addr) { a.joined.Store(address, true) }

// JoinedControlPlanes returns the control plane hosts that are known to be nodes, without those that leave. The API server
// of a partially joined node may answer, too, but while its etcd has no leader it finds neither RBAC rules nor objects.
func (a *API) JoinedControlPlanes() []netip.Addr {
	return slices.DeleteFunc(a.Remaining(), func(address netip.Addr) bool {
		_, seen := a.joined.Load(address)
		return !seen && !a.session.Host(address).Facts.Membership.Joined
	})
}

// Remaining returns the control plane hosts that do not leave the cluster in this run.
func (a *API) Remaining() []netip.Addr {
	return slices.DeleteFunc(a.session.ControlPlanes(), func(address netip.Addr) bool { return slices.Contains(a.leaving, address) })
}

// Client returns a client of the cluster's API. The first call reads the administrator's kubeconfig from a joined control
// plane node, and waits until the API server is ready. The error is ErrNoCluster if there is no such node.
func (a *API) Client(ctx context.Context) (*kube.Client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cached != nil {
		return a.cached, nil
	}
	host, err := a.JoinedControlPlane(ctx)
	if err != nil {
		return nil, err
	}
	admin, err := a.readAdmin(ctx, host)
	if err != nil {
		return nil, err
	}
	// The URL has the cluster's endpoint, for which the serving certificate is valid; dial chooses the API server.
	client := a.session.Options.API(admin, a.session.Cluster.Endpoint, a.dial)
	if err := client.Ready(ctx, apiTimeout); err != nil {
		return nil, err
	}
	a.cached, a.admin = client, admin
	return client, nil
}

// Connected returns the client and the credentials of an earlier call of [API.Client]; the client is nil if none succeeded.
func (a *API) Connected() (*kube.Client, kube.Admin) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cached, a.admin
}

// ClientOf returns a client of the API server on one control plane node. Client must have succeeded before, because ClientOf
// uses its credentials. It does not connect yet.
func (a *API) ClientOf(address netip.Addr) *kube.Client {
	return a.session.Options.API(a.admin, a.session.Cluster.Endpoint, a.dialer(address))
}

// ErrNoCluster reports that no control plane node has finished its init or join.
var ErrNoCluster = errors.New("no control plane node is up yet")

// JoinedControlPlane returns the first control plane node that has joined. The error is ErrNoCluster only if all control
// plane hosts answered: a host that cannot be reached may be a node.
func (a *API) JoinedControlPlane(ctx context.Context) (remote.Host, error) {
	var failures []error
	for _, address := range a.Remaining() {
		host, err := a.session.Connections.Host(ctx, address)
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", address, err))
			continue
		}
		state, err := ReadJoinState(ctx, host)
		switch {
		case err != nil:
			failures = append(failures, fmt.Errorf("%s: %w", address, err))
		case state.Joined:
			a.MarkJoined(address)
			return host, nil
		}
	}
	if len(failures) == 0 { // all hosts answered, and none has joined
		return nil, ErrNoCluster
	}
	return nil, errors.Join(failures...)
}

// dial connects to the first reachable API server of the control plane.
func (a *API) dial(ctx context.Context) (net.Conn, error) {
	var failures []error
	for _, address := range a.JoinedControlPlanes() {
		conn, err := a.dialHost(ctx, address)
		if err == nil {
			return conn, nil
		}
		failures = append(failures, err)
	}
	return nil, fmt.Errorf("%w: %w", kube.ErrNoAPIServer, errors.Join(failures...))
}

// dialer returns a function that connects to the API server of one control plane node.
func (a *API) dialer(address netip.Addr) kube.Dial {
	return func(ctx context.Context) (net.Conn, error) {
		conn, err := a.dialHost(ctx, address)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", kube.ErrNoAPIServer, err)
		}
		return conn, nil
	}
}

// dialHost connects to the API server on a host, through the SSH server of that host.
func (a *API) dialHost(ctx context.Context, address netip.Addr) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	to := netip.AddrPortFrom(a.session.Host(address).K8sIP, uint16(a.session.Cluster.APIServerPort))
	return a.session.Connections.Dial(ctx, address, to)
}
