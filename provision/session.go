package provision

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/render"
)

// SessionOptions configure a [Session].
type SessionOptions struct {
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

// Session holds the hosts of a cluster, the SSH connections to them, and the facts that one run has found. Its methods
// must not be called concurrently, and each session runs one command: facts are not refreshed.
type Session struct {
	loaded  Loaded
	options SessionOptions
	// connections are those to the hosts. connect opens another set of them, which the cluster's lock needs.
	connections remote.Hosts
	connect     func() (remote.Hosts, error)
	cluster     check.Cluster
	// hosts is in the order of the plan. During a phase, each element is written only by the goroutine of its host.
	hosts []check.Host
	// index points to the elements of hosts, by address.
	index map[netip.Addr]*check.Host
	api   apiAccess
	// secrets holds the values that the hosts' logs redact.
	secrets *remote.Secrets
	// mirrors returns the contents of the files for registry mirrors, by endpoint. It reads them in the first call.
	mirrors func() (map[string]render.MirrorFacts, error)
}

// OpenSession returns a session for the hosts of a cluster. loaded must have a configuration. OpenSession reads the
// kubeconfig of an earlier run, and does not connect to any host.
func OpenSession(loaded Loaded, options SessionOptions) (*Session, error) {
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
	settings := remoteSettings(loaded.Config.SSH, options.Log)
	settings.Secrets = &remote.Secrets{}
	settings.Limits.Read, settings.Note = options.HostTimeout, options.Note
	connect := func() (remote.Hosts, error) { return options.Connect(settings) }
	connections, err := connect()
	if err != nil {
		return nil, err
	}
	s := &Session{
		loaded:      loaded,
		options:     options,
		connections: connections,
		connect:     connect,
		cluster:     checkedCluster(loaded.Config),
		hosts:       checkedHosts(loaded.Config),
		index:       map[netip.Addr]*check.Host{},
		secrets:     settings.Secrets,
	}
	s.api.session = s
	s.mirrors = sync.OnceValues(func() (map[string]render.MirrorFacts, error) { return readMirrors(loaded.Config, s.secrets) })
	if options.Bundle != nil { // its image of dualstrap runs in the cluster, whatever this program's version
		s.options.Version = options.Bundle.Manifest.Dualstrap()
	}
	s.cluster.Ignore, s.cluster.CAHash = options.IgnoreChecks, known
	for i := range s.hosts {
		s.index[s.hosts[i].Address] = &s.hosts[i]
	}
	return s, nil
}

// Close closes all connections to hosts.
func (s *Session) Close() { s.connections.Close() }

// remoteSettings converts the SSH settings of the manifests to the type of package remote.
func remoteSettings(ssh api.SSH, log func(netip.Addr) *slog.Logger) remote.Settings {
	settings := remote.Settings{
		User:           ssh.User,
		Port:           uint16(ssh.Port),
		PrivateKeyPath: ssh.PrivateKeyPath,
		KnownHostsPath: ssh.KnownHostsPath,
		ProxyJump:      ssh.ProxyJump,
		Log:            log,
	}
	if ssh.AcceptNew {
		settings.HostKeyPolicy = remote.AcceptNew
	}
	return settings
}

// checkedCluster converts the configuration to the type with which checks are evaluated.
func checkedCluster(cfg *api.Config) check.Cluster {
	balancer := cfg.LoadBalancer
	cluster := check.Cluster{
		Endpoint:      netip.AddrPortFrom(balancer.ControlPlaneVIP, uint16(balancer.Port)),
		APIServerPort: cfg.APIServerPort(),
		PodRanges:     slices.Concat(cfg.PodRanges(api.IPv4), cfg.PodRanges(api.IPv6)),
		FlatIPv4:      cfg.Network.FlatIPv4,
		Builtin:       cfg.Network.Builtin,
		AllowCgroupV1: cfg.AllowCgroupV1,
	}
	for _, pool := range balancer.Pools {
		cluster.Pools = append(cluster.Pools, pool.Addresses...)
	}
	return cluster
}

// checkedHosts converts the nodes to the type with which checks are evaluated, in the order of the plan.
func checkedHosts(cfg *api.Config) []check.Host {
	var hosts []check.Host
	for i := range cfg.Pools {
		pool := &cfg.Pools[i]
		for j := range pool.Nodes {
			node := &pool.Nodes[j]
			hosts = append(hosts, check.Host{Node: check.Node{
				Address:             node.Address,
				K8sIP:               node.K8sIP,
				IPv6:                node.IPv6,
				Interface:           node.Interface,
				SSHPort:             cmp.Or(cfg.SSH.Port, defaultSSHPort),
				ControlPlane:        pool.Role == api.RoleControlPlane,
				Balancer:            cfg.BalancesControlPlane(pool.Role),
				ServesLoadBalancers: cfg.BalancesServices(pool.Role),
			}})
		}
	}
	return hosts
}

// defaultSSHPort is the port at which other hosts probe a host if the manifests do not set one. Connections from this
// machine may use another port of ~/.ssh/config.
const defaultSSHPort = 22

// observe passes an event to the observer, if there is one.
func (s *Session) observe(event workflow.Event) {
	if s.options.Observe != nil {
		s.options.Observe(event)
	}
}

// run runs phases on some of the hosts. With planOnly, it changes nothing.
func (s *Session) run(ctx context.Context, hosts []netip.Addr, planOnly bool, phases ...workflow.Phase) (*workflow.Report, error) {
	runner := s.runner(hosts)
	runner.PlanOnly = planOnly
	return runner.Run(ctx, phases)
}

// runner returns a runner for some of the hosts.
func (s *Session) runner(hosts []netip.Addr) workflow.Runner {
	return workflow.Runner{Hosts: hosts, Connect: s.connections.Host, Concurrency: s.options.Concurrency, Observe: s.options.Observe}
}

// reached returns the addresses of the hosts that have not failed to answer so far. Before the first probe, it returns all.
func (s *Session) reached() []netip.Addr {
	var addresses []netip.Addr
	for i := range s.hosts {
		if s.hosts[i].Err == nil {
			addresses = append(addresses, s.hosts[i].Address)
		}
	}
	return addresses
}
