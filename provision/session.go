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
	"github.com/dualstrap/dualstrap/hostprep"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/render"
)

// SessionOptions is how the hosts of a cluster are worked on.
type SessionOptions struct {
	// Concurrency bounds how many hosts are worked on at once; 64 when zero.
	Concurrency int
	// HostTimeout is how long a host that is read may show no progress; one that is changed has five times as long;
	// remote.DefaultHostTimeout when zero.
	HostTimeout time.Duration
	// IgnoreChecks are the names of checks whose failures do not stop the run.
	IgnoreChecks []string
	// Bundle is what hosts get; without it programs and images are left out.
	Bundle *bundle.Dir
	// Version is that of this program, whose image runs in the cluster.
	Version string
	// Kubeconfig is where an earlier run may have left the cluster's kubeconfig on this machine. Hosts whose
	// certificate authority is another than the one in it belong to another cluster. It may be empty.
	Kubeconfig string
	// Observe is told what happens as it happens, from many goroutines; it may be nil.
	Observe func(workflow.Event)
	// Note is told what the user should know about the whole run; it may be nil.
	Note func(string)
	// Log gives the log of a host; by default there is none.
	Log func(host netip.Addr) *slog.Logger
}

// Session is the hosts of a cluster, reached over SSH, and what one run has found out about them. It is
// not safe for concurrent use.
type Session struct {
	loaded  Loaded
	options SessionOptions
	pool    *remote.Pool
	// settings are those of the pool.
	settings remote.Settings
	cluster  hostprep.Cluster
	// hosts are in the order of the plan; each is written by the goroutine that works on it.
	hosts []hostprep.Host
	index map[netip.Addr]*hostprep.Host
	// api is the way to the cluster, once there is one.
	api apiAccess
	// secrets are kept out of the hosts' logs.
	secrets *remote.Secrets
	// mirrors is what the files of registry mirrors hold, once they are to be rendered.
	mirrors func() (map[string]render.MirrorFacts, error)
}

// OpenSession gives the hosts of a cluster. It connects to none of them.
func OpenSession(loaded Loaded, options SessionOptions) (*Session, error) {
	known, err := knownCA(options.Kubeconfig)
	if err != nil {
		return nil, err
	}
	settings := remoteSettings(loaded.Config.SSH, options.Log)
	settings.Secrets = &remote.Secrets{}
	settings.Limits.Read, settings.Note = options.HostTimeout, options.Note
	pool, err := remote.NewPool(settings)
	if err != nil {
		return nil, err
	}
	s := &Session{
		loaded:   loaded,
		options:  options,
		pool:     pool,
		settings: settings,
		cluster:  hostprepCluster(loaded.Config),
		hosts:    hostprepHosts(loaded.Config),
		index:    map[netip.Addr]*hostprep.Host{},
		secrets:  settings.Secrets,
	}
	s.api.session = s
	s.mirrors = sync.OnceValues(func() (map[string]render.MirrorFacts, error) { return readMirrors(loaded.Config, s.secrets) })
	if options.Bundle != nil {
		s.options.Version = options.Bundle.Manifest.Dualstrap()
	}
	s.cluster.Ignore, s.cluster.CAHash = options.IgnoreChecks, known
	for i := range s.hosts {
		s.index[s.hosts[i].Address] = &s.hosts[i]
	}
	return s, nil
}

// Close ends the connections.
func (s *Session) Close() { s.pool.Close() }

// remoteSettings is how the manifests say that hosts are reached.
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

// hostprepCluster is the cluster as checks see it.
func hostprepCluster(cfg *api.Config) hostprep.Cluster {
	balancer := cfg.LoadBalancer
	cluster := hostprep.Cluster{
		Endpoint:      netip.AddrPortFrom(balancer.ControlPlaneVIP, uint16(balancer.Port)),
		APIServerPort: cfg.APIServerPort(),
		Bundled:       balancer.Bundled,
		IngressVIP:    balancer.IngressVIP,
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

// hostprepHosts are the hosts as checks see them, in the order of the plan.
func hostprepHosts(cfg *api.Config) []hostprep.Host {
	var hosts []hostprep.Host
	for i := range cfg.Pools {
		pool := &cfg.Pools[i]
		for j := range pool.Nodes {
			node := &pool.Nodes[j]
			hosts = append(hosts, hostprep.Host{Node: hostprep.Node{
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

// defaultSSHPort is where others look whether a host is there, when nothing says where its sshd
// listens.
const defaultSSHPort = 22

// observe tells what happens.
func (s *Session) observe(event workflow.Event) {
	if s.options.Observe != nil {
		s.options.Observe(event)
	}
}

// run carries phases out on some of the hosts.
func (s *Session) run(ctx context.Context, hosts []netip.Addr, planOnly bool, phases ...workflow.Phase) (*workflow.Report, error) {
	runner := s.runner(hosts)
	runner.PlanOnly = planOnly
	return runner.Run(ctx, phases)
}

// runner carries out phases on some of the hosts.
func (s *Session) runner(hosts []netip.Addr) workflow.Runner {
	return workflow.Runner{Hosts: hosts, Connect: s.pool.Host, Concurrency: s.options.Concurrency, Observe: s.options.Observe}
}

// reached are the addresses of the hosts that have answered so far.
func (s *Session) reached() []netip.Addr {
	var addresses []netip.Addr
	for i := range s.hosts {
		if s.hosts[i].Err == nil {
			addresses = append(addresses, s.hosts[i].Address)
		}
	}
	return addresses
}
