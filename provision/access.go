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
	// dialTimeout is how long one control plane node may take to be connected to before another one is
	// tried.
	dialTimeout = 5 * time.Second
	// apiTimeout is how long the API server of a cluster that is there may take to answer.
	apiTimeout = 2 * time.Minute
)

// apiAccess is the way to the cluster's API servers: through the SSH servers of its control plane nodes,
// because a workstation may not reach their addresses.
type apiAccess struct {
	session *Session

	mu sync.Mutex
	// cached and admin are set once a control plane node has told them.
	cached *kube.Client
	admin  kube.Admin
	// leaving are control plane nodes on the way out of the cluster: nobody is to be asked there.
	leaving map[netip.Addr]bool
	// joined has the addresses of hosts that were seen to be nodes, beside those that were when they were probed.
	joined sync.Map
}

// markJoined notes that a host is a node.
func (a *apiAccess) markJoined(address netip.Addr) { a.joined.Store(address, true) }

// joinedControlPlanes are the control plane's nodes, as far as they are known. The API server of half a node may answer, but
// as long as its etcd follows no leader it knows of nobody's rights and of no object.
func (a *apiAccess) joinedControlPlanes() []netip.Addr {
	return slices.DeleteFunc(a.remaining(), func(address netip.Addr) bool {
		_, seen := a.joined.Load(address)
		return !seen && !a.session.index[address].Facts.Membership.Joined
	})
}

// remaining are the control plane's hosts that can be asked.
func (a *apiAccess) remaining() []netip.Addr {
	return slices.DeleteFunc(a.session.controlPlanes(), func(address netip.Addr) bool { return a.leaving[address] })
}

// client gives the client. The first call reads the administrator's kubeconfig from a control plane node
// that has joined.
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
	client := kube.Connect(admin, a.session.cluster.Endpoint, a.dial)
	if err := client.Ready(ctx, apiTimeout); err != nil {
		return nil, err
	}
	a.cached, a.admin = client, admin
	return client, nil
}

// errNoCluster is that no control plane node has come to the end of its init or join.
var errNoCluster = errors.New("no control plane node is up yet")

// joinedControlPlane gives a control plane node that has joined.
func (a *apiAccess) joinedControlPlane(ctx context.Context) (remote.Host, error) {
	var failures []error
	for _, address := range a.remaining() {
		host, err := a.session.pool.Host(ctx, address)
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", address, err))
			continue
		}
		progress, err := readJoinState(ctx, host)
		switch {
		case err != nil:
			failures = append(failures, fmt.Errorf("%s: %w", address, err))
		case progress.joined:
			a.markJoined(address)
			return host, nil
		}
	}
	if len(failures) == 0 {
		return nil, errNoCluster
	}
	return nil, errors.Join(failures...)
}

// dial connects to the first API server of a control plane node that can be connected to.
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

// dialer returns a way to one control plane node's API server.
func (a *apiAccess) dialer(address netip.Addr) kube.Dial {
	return func(ctx context.Context) (net.Conn, error) {
		conn, err := a.dialHost(ctx, address)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", kube.ErrNoAPIServer, err)
		}
		return conn, nil
	}
}

func (a *apiAccess) dialHost(ctx context.Context, address netip.Addr) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	to := netip.AddrPortFrom(a.session.index[address].K8sIP, uint16(a.session.cluster.APIServerPort))
	return a.session.pool.Dial(ctx, address, to)
}

// controlPlanes are the addresses of the control plane's hosts, in the order of the plan.
func (s *Session) controlPlanes() []netip.Addr {
	var addresses []netip.Addr
	for i := range s.hosts {
		if s.hosts[i].ControlPlane {
			addresses = append(addresses, s.hosts[i].Address)
		}
	}
	return addresses
}
