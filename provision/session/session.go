package session

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/provision/load"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/render"
)

// Options configure a [Session].
type Options struct {
	// Concurrency is the maximum number of hosts that are worked on at once; zero means 64.
	Concurrency int
	// HostTimeout is how long a host that is read may show no progress; zero means remote.DefaultHostTimeout. A host that
	// is changed has five times as long.
	HostTimeout time.Duration
	// IgnoreChecks lists the names of checks whose failures do not stop the run.
	IgnoreChecks []string
	// Bundle has the programs and images for hosts; without it they are left out of the desired state.
	Bundle *bundle.Dir
	// Version is the version of this program, whose image runs in the cluster. That of Bundle takes precedence.
	Version string
	// Kubeconfig is the path at which an earlier run may have left the cluster's kubeconfig on this machine; it may be
	// empty. Hosts with another certificate authority than the one in it belong to another cluster.
	Kubeconfig string
	// Observe receives the events of the run. It is called from many goroutines at once, and may be nil.
	Observe func(workflow.Event)
	// Note receives messages for the user that concern the whole run; it may be nil.
	Note func(string)
	// Log returns the log of a host; it may be nil.
	Log func(host netip.Addr) *slog.Logger
	// Connect opens connections to hosts; nil means over SSH.
	Connect func(remote.Settings) (remote.Hosts, error)
	// API returns a client of the cluster's API servers, as [kube.Connect], which nil means.
	API func(kube.Admin, netip.AddrPort, kube.Dial) *kube.Client
}

// Session holds the hosts of a cluster, the connections to them, and what one run has found. Its methods must not be called
// concurrently, and each session runs one command: facts are not refreshed.
type Session struct {
	Config *api.Config
	// Plan is that of a new cluster, until a run has seen the nodes of an existing one.
	Plan    *api.Plan
	Options Options
	// Cluster is Config in the form in which checks are evaluated.
	Cluster check.Cluster
	// Hosts is in the order of the plan. During a phase, each element is written only by the goroutine of its host.
	Hosts []check.Host
	// Connections are those to the hosts.
	Connections remote.Hosts
	API         API
	// Secrets holds the values that the hosts' logs redact.
	Secrets *remote.Secrets

	// connect opens another set of connections, which the cluster's lock needs.
	connect func() (remote.Hosts, error)
	// index points to the elements of Hosts, by address.
	index map[netip.Addr]*check.Host
	// mirrors reads the files for registry mirrors in its first call.
	mirrors func() (map[string]render.MirrorFacts, error)
}

// Open returns a session for the hosts of a cluster. loaded must have a configuration. Open reads the kubeconfig of an
// earlier run, and does not connect to any host.
func Open(loaded load.Cluster, options Options) (*Session, error) {
	known, err := knownCA(options.Kubeconfig)
	if err != nil {
		return nil, err
	}
	if options.Connect == nil {
		options.Connect = func(settings remote.Settings) (remote.Hosts, error) { return remote.NewPool(settings) }
	}
	if options.API == nil {
		options.API = kube.Connect
	}
	if options.Bundle != nil { // its image of dualstrap runs in the cluster, whatever this program's version
		options.Version = options.Bundle.Manifest.Dualstrap()
	}
	settings := remoteSettings(loaded.Config.SSH, options.Log)
	settings.Secrets = &remote.Secrets{}
	settings.Limits.Read, settings.Note = options.HostTimeout, options.Note
	connect := func() (remote.Hosts, error) { return options.Connect(settings) }
	connections, err := connect()
	if err != nil {
		return nil, err
	}
	s := &Session{
		Config:      loaded.Config,
		Plan:        loaded.Plan,
		Options:     options,
		Cluster:     checkedCluster(loaded.Config),
		Hosts:       CheckedHosts(loaded.Config),
		Connections: connections,
		Secrets:     settings.Secrets,
		connect:     connect,
		index:       map[netip.Addr]*check.Host{},
	}
	s.API.session = s
	s.mirrors = sync.OnceValues(func() (map[string]render.MirrorFacts, error) { return load.Mirrors(loaded.Config, s.Secrets) })
	s.Cluster.Ignore, s.Cluster.CAHash = options.IgnoreChecks, known
	for i := range s.Hosts {
		s.index[s.Hosts[i].Address] = &s.Hosts[i]
	}
	return s, nil
}

// Close closes all connections to hosts.
func (s *Session) Close() { s.Connections.Close() }

// Host returns the host with an address, which must be one of the manifests.
func (s *Session) Host(address netip.Addr) *check.Host { return s.index[address] }

// Addresses returns the addresses of all hosts, in the order of the plan.
func (s *Session) Addresses() []netip.Addr {
	return addressesIf(s.Hosts, func(*check.Host) bool { return true })
}

// ControlPlanes returns the addresses of the control plane hosts, in the order of the plan.
func (s *Session) ControlPlanes() []netip.Addr {
	return addressesIf(s.Hosts, func(host *check.Host) bool { return host.ControlPlane })
}

// Reached returns the addresses of the hosts that have not failed to answer so far. Before the first probe, it returns all.
func (s *Session) Reached() []netip.Addr {
	return addressesIf(s.Hosts, func(host *check.Host) bool { return host.Err == nil })
}

// addressesIf returns the addresses of the hosts of which is reports true.
func addressesIf(hosts []check.Host, is func(*check.Host) bool) []netip.Addr {
	var addresses []netip.Addr
	for i := range hosts {
		if is(&hosts[i]) {
			addresses = append(addresses, hosts[i].Address)
		}
	}
	return addresses
}

// Mirrors returns the contents of the files for registry mirrors on this machine, by endpoint. It reads them once. Commands
// that need them call it before the first connection, so that a missing file ends the run at once.
func (s *Session) Mirrors() (map[string]render.MirrorFacts, error) { return s.mirrors() }

// Observe passes an event to the observer, if there is one.
func (s *Session) Observe(event workflow.Event) {
	if s.Options.Observe != nil {
		s.Options.Observe(event)
	}
}

// Run runs phases on some of the hosts.
func (s *Session) Run(ctx context.Context, hosts []netip.Addr, phases ...workflow.Phase) (*workflow.Report, error) {
	runner := s.Runner(hosts)
	return runner.Run(ctx, phases)
}

// Runner returns a runner for some of the hosts.
func (s *Session) Runner(hosts []netip.Addr) workflow.Runner {
	return workflow.Runner{Hosts: hosts, Connect: s.Connections.Host, Concurrency: s.Options.Concurrency, Observe: s.Options.Observe}
}
