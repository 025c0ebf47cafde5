package session

import (
	"cmp"
	"log/slog"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

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

// CheckedHosts converts the nodes to the type with which checks are evaluated, in the order of the plan.
func CheckedHosts(cfg *api.Config) []check.Host {
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
				OnLink6:             cfg.PodRanges(api.IPv6),
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
