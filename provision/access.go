package provision

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

// apiAccess connects to the cluster's API servers. The connections go through the SSH servers of the control plane nodes,
// because the user's machine may not reach the API servers' addresses.
type apiAccess struct {
	session *Session

	mu sync.Mutex // guards cached and admin
	// cached and admin are set by the first successful call of client.
	cached *kube.Client
	admin  kube.Admin
	// leaving holds the control plane nodes that this run removes from the cluster. Their API servers are not used. It is
	// set before the phases of a reset start.
	leaving map[netip.Addr]bool
	// joined holds the addresses (netip.Addr) of hosts that joined during this run. Facts.Membership.Joined covers those
	// that had joined when they were probed.
	joined sync.Map
}

// markJoined records that a host has become a node.
func (a *apiAccess) markJoined(address netip.Addr) { a.joined.Store(address, true) }

// joinedControlPlanes returns the control plane hosts that are known to be nodes, without those that leave. The API server
// of a partially joined node may answer, too, but while its etcd has no leader it finds neither RBAC rules nor objects.
func (a *apiAccess) joinedControlPlanes() []netip.Addr {
	return slices.DeleteFunc(a.remaining(), func(address netip.Addr) bool {
		_, seen := a.joined.Load(address)
		return !seen && !a.session.index[address].Facts.Membership.Joined
	})
}

// remaining returns the control plane hosts that do not leave the cluster in this run.
func (a *apiAccess) remaining() []netip.Addr {
	return slices.DeleteFunc(a.session.controlPlanes(), func(address netip.Addr) bool { return a.leaving[address] })
}

// client returns a client of the cluster's API. The first call reads the administrator's kubeconfig from a joined control
// plane node, and waits until the API server is ready. The error is errNoCluster if there is no such node.
func (a *apiAccess) client(ctx context.Context) (*kube.Client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cached != nil {
		return a.cached, nil
	}
	host, err := a.joinedControlPlane(ctx)
	if err != nil {
		return nil, err
	}
	admin, err := a.readAdmin(ctx, host)
	if err != nil {
		return nil, err
	}
	// The URL has the cluster's endpoint, for which the serving certificate is valid; dial chooses the API server.
	client := a.session.options.API(admin, a.session.cluster.Endpoint, a.dial)
	if err := client.Ready(ctx, apiTimeout); err != nil {
		return nil, err
	}
	a.cached, a.admin = client, admin
	return client, nil
}

// errNoCluster reports that no control plane node has finished its init or join.
var errNoCluster = errors.New("no control plane node is up yet")

// joinedControlPlane returns the first control plane node that has joined. The error is errNoCluster only if all control
// plane hosts answered: a host that cannot be reached may be a node.
func (a *apiAccess) joinedControlPlane(ctx context.Context) (remote.Host, error) {
	var failures []error
	for _, address := range a.remaining() {
		host, err := a.session.connections.Host(ctx, address)
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", address, err))
			continue
		}
		state, err := readJoinState(ctx, host)
		switch {
		case err != nil:
			failures = append(failures, fmt.Errorf("%s: %w", address, err))
		case state.joined:
			a.markJoined(address)
			return host, nil
		}
	}
	if len(failures) == 0 { // all hosts answered, and none has joined
		return nil, errNoCluster
	}
	return nil, errors.Join(failures...)
}

// dial connects to the first reachable API server of the control plane.
func (a *apiAccess) dial(ctx context.Context) (net.Conn, error) {
	var failures []error
	for _, address := range a.joinedControlPlanes() {
		conn, err := a.dialHost(ctx, address)
		if err == nil {
			return conn, nil
		}
		failures = append(failures, err)
	}
	return nil, fmt.Errorf("%w: %w", kube.ErrNoAPIServer, errors.Join(failures...))
}

// dialer returns a function that connects to the API server of one control plane node.
func (a *apiAccess) dialer(address netip.Addr) kube.Dial {
	return func(ctx context.Context) (net.Conn, error) {
		conn, err := a.dialHost(ctx, address)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", kube.ErrNoAPIServer, err)
		}
		return conn, nil
	}
}

// dialHost connects to the API server on a host, through the SSH server of that host.
func (a *apiAccess) dialHost(ctx context.Context, address netip.Addr) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	to := netip.AddrPortFrom(a.session.index[address].K8sIP, uint16(a.session.cluster.APIServerPort))
	return a.session.connections.Dial(ctx, address, to)
}

// controlPlanes returns the addresses of the control plane hosts, in the order of the plan.
func (s *Session) controlPlanes() []netip.Addr {
	var addresses []netip.Addr
	for i := range s.hosts {
		if s.hosts[i].ControlPlane {
			addresses = append(addresses, s.hosts[i].Address)
		}
	}
	return addresses
}
