//go:build trial

package hostprep_test

import (
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/hostprep"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// labHosts are a lab's hosts that are to become nodes, reached over SSH.
type labHosts struct {
	program, workspaces string
	pool                *remote.Pool
	cluster             hostprep.Cluster
	nodes               []hostprep.Node
}

const labName = "facts"

func newLabHosts(t *testing.T) *labHosts {
	t.Helper()
	l := &labHosts{program: filepath.Join(t.TempDir(), "dualstrap"), workspaces: t.TempDir()}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", l.program, "github.com/dualstrap/dualstrap/cmd/dualstrap")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build dualstrap: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		down := exec.Command(l.program, l.args("down")...)
		if out, err := down.CombinedOutput(); err != nil {
			t.Errorf("cannot remove the lab: %v\n%s", err, out)
		}
	})
	l.lab(t, "up")
	var err error
	l.pool, err = remote.NewPool(remote.Settings{
		PrivateKeyPath: filepath.Join(l.workspaces, labName, "ssh", "id_ed25519"),
		KnownHostsPath: filepath.Join(l.workspaces, labName, "ssh", "known_hosts"),
		ConfigPath:     remote.None, AgentSocket: remote.None,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.pool.Close)
	l.cluster = hostprep.Cluster{
		Endpoint: netip.MustParseAddrPort("10.2.0.175:443"), APIServerPort: 6443, Bundled: true, Builtin: true,
		Pools: []netipx.IPRange{
			netipx.MustParseIPRange("10.2.0.212-10.2.0.221"), netipx.MustParseIPRange("fd12::4:101-fd12::4:110"),
		},
		PodRanges:     []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("fd12::1:0/112")},
		AllowCgroupV1: true, // it depends on the machine that the lab is on
	}
	for i := range 3 {
		address := netip.AddrFrom4([4]byte{10, 2, 0, byte(4 + i)})
		l.nodes = append(l.nodes, hostprep.Node{
			Address: address, K8sIP: address, SSHPort: 22,
			ControlPlane: i == 0, Balancer: i == 0, ServesLoadBalancers: i == 0,
		})
	}
	return l
}

func (l *labHosts) args(verb string, args ...string) []string {
	return append([]string{"lab", verb, "--name", labName, "--workspace-dir", l.workspaces}, args...)
}

func (l *labHosts) lab(t *testing.T, verb string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), l.program, l.args(verb, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("lab %s %q: %v\n%s", verb, args, err, out)
	}
}

// everyNode stands for all hosts of the lab but the client.
const everyNode = ""

// run runs a script on a host, without the network.
func (l *labHosts) run(t *testing.T, host, script string) {
	t.Helper()
	hosts := []string{host}
	if host == everyNode {
		hosts = []string{"facts-cp-1", "facts-worker-1", "facts-worker-2"}
	}
	for _, host := range hosts {
		l.lab(t, "exec", host, "--", "sh", "-euc", script)
	}
}

// preflight asks all hosts, has them try the network, and judges.
func (l *labHosts) preflight(t *testing.T) hostprep.Report {
	t.Helper()
	hosts := make([]hostprep.Host, len(l.nodes))
	readers := make([]remote.Host, len(l.nodes))
	for i, node := range l.nodes {
		hosts[i].Node = node
		if readers[i], hosts[i].Err = l.pool.Host(bound(t), node.Address); hosts[i].Err == nil {
			hosts[i].Facts, hosts[i].Err = hostprep.Probe(bound(t), readers[i])
		}
	}
	for i, task := range hostprep.Tasks(&l.cluster, hosts) {
		if task.Empty() {
			continue
		}
		network, err := hostprep.ProbeNetwork(bound(t), readers[i], task)
		if err != nil {
			t.Fatal(err)
		}
		hosts[i].Network = &network
	}
	return hostprep.Judge(&l.cluster, hosts)
}

// unpassed are the checks that did not pass, as HOST CHECK STATUS: MESSAGE.
func unpassed(report hostprep.Report) []string {
	var lines []string
	for _, host := range report.Hosts {
		for _, result := range host.Checks {
			if result.Status != hostprep.Passed {
				lines = append(lines, fmt.Sprintf("%s %s %s: %s", host.Address, result.Name, result.Status, result.Message))
			}
		}
	}
	return lines
}

// breakage is something wrong with a host of the lab, and what preflight says of it. Hosts are cp-1,
// worker-1 like RHEL, worker-2 and client.
type breakage struct {
	name, host, breaks, mends string
	want                      []string // beginnings of lines of unpassed
}

func breakages() []breakage {
	const worker2 = "ip -6 address replace fd12::2:6/108 dev eth0 nodad; ip -6 route replace default via fd12::3:ffff"
	return []breakage{
		{
			"IPv6 disabled", "facts-worker-2", "sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1",
			"sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0; " + worker2,
			[]string{"10.2.0.6 ipv6-enabled failed", "10.2.0.6 dual-stack-network failed", "10.2.0.6 ipv6-address failed"},
		},
		{
			"no global IPv6", "facts-worker-2", "ip -6 address flush dev eth0 scope global", worker2,
			[]string{"10.2.0.6 dual-stack-network failed: eth0 has IPv4 only", "10.2.0.6 ipv6-address failed"},
		},
		{
			"only a /128", "facts-worker-2",
			"ip -6 address flush dev eth0 scope global; ip -6 address add fd12::2:6/128 dev eth0 nodad",
			"ip -6 address flush dev eth0 scope global; " + worker2,
			[]string{"10.2.0.6 ipv6-on-link failed: it has no subnet around fd12::2:6"},
		},
		{
			"temporary address", "facts-worker-2",
			"ip -6 address flush dev eth0 scope global; sysctl -qw net.ipv6.conf.eth0.use_tempaddr=2; " +
				"ip -6 address add fd12::2:6/64 dev eth0 mngtmpaddr nodad valid_lft 86400 preferred_lft 43200; " +
				"timeout 20 sh -c 'until ip -6 address show dev eth0 temporary | grep -q inet6; do sleep 0.1; done'; " +
				"ip -6 address change fd12::2:6/64 dev eth0 mngtmpaddr valid_lft 86400 preferred_lft 0",
			"ip -6 address flush dev eth0 scope global; sysctl -qw net.ipv6.conf.eth0.use_tempaddr=0; " + worker2,
			[]string{"10.2.0.6 ipv6-address failed: eth0 has no IPv6 address that can be the node's"},
		},
		{
			"deprecated address", "facts-worker-2", "ip -6 address change fd12::2:6/108 dev eth0 valid_lft forever preferred_lft 0",
			"ip -6 address change fd12::2:6/108 dev eth0 valid_lft forever preferred_lft forever",
			[]string{"10.2.0.6 ipv6-address failed: eth0 has no IPv6 address that can be the node's: fd12::2:6: it is deprecated"},
		},
		{
			"duplicate machine-id", everyNode,
			"cp /etc/machine-id /root/machine-id; echo 00000000000000000000000000000001 >/etc/machine-id",
			"cat /root/machine-id >/etc/machine-id; rm /root/machine-id",
			[]string{
				"10.2.0.4 machine-id failed: its machine-id is that of 10.2.0.5, 10.2.0.6, too",
				"10.2.0.5 machine-id failed", "10.2.0.6 machine-id failed",
			},
		},
		{
			"no machine-id", "facts-worker-2", "mv /etc/machine-id /root/machine-id", "mv /root/machine-id /etc/machine-id",
			[]string{"10.2.0.6 machine-id failed: there is no machine-id"},
		},
		{
			"hostname clash", "facts-worker-2", "hostname facts-cp-1", "hostname facts-worker-2",
			[]string{
				"10.2.0.4 hostname failed: it is called facts-cp-1, as is 10.2.0.6",
				"10.2.0.6 hostname failed: it is called facts-cp-1, as is 10.2.0.4",
			},
		},
		{
			"port 6443 taken", "facts-cp-1",
			"systemd-run -q --unit busy systemd-socket-activate -l 6443 /bin/true; " +
				"timeout 20 sh -c 'until ss -Hlnt | grep -q :6443; do sleep 0.1; done'",
			"systemctl stop busy",
			[]string{"10.2.0.4 ports failed: systemd-socket-"},
		},
		{
			"VIP taken", "client", "ip address add 10.2.0.175/32 dev eth0", "ip address delete 10.2.0.175/32 dev eth0",
			[]string{"10.2.0.4 addresses-unused failed"},
		},
		{
			"address of a pool taken", "client", "ip -6 address add fd12::4:105/128 dev eth0 nodad",
			"ip -6 address delete fd12::4:105/128 dev eth0",
			[]string{"10.2.0.4 addresses-unused failed"},
		},
		{
			"disk nearly full", "facts-cp-1", "mkdir -p /var/lib/containerd; mount -t tmpfs -o size=100m tmpfs /var/lib/containerd",
			"umount /var/lib/containerd; rmdir /var/lib/containerd",
			[]string{"10.2.0.4 disk failed: the file system of /var/lib/containerd has 100 MiB free"},
		},
		{
			"leftovers", "facts-worker-2", "mkdir -p /etc/kubernetes/manifests", "rm -r /etc/kubernetes",
			[]string{"10.2.0.6 leftovers failed: there is something in /etc/kubernetes"},
		},
		{
			"nftables missing", "facts-worker-2", "mv /usr/sbin/nft /usr/sbin/nft.away", "mv /usr/sbin/nft.away /usr/sbin/nft",
			[]string{"10.2.0.6 programs failed: there is no nft for the portmap plugin"},
		},
		{
			"no IPv6 between two hosts", "facts-worker-2", "ip -6 route add blackhole fd12::2:4/128", "ip -6 route delete blackhole fd12::2:4/128",
			[]string{"10.2.0.4 node-to-node failed: it does not reach fd12::2:6", "10.2.0.6 node-to-node failed: it does not reach fd12::2:4"},
		},
		{
			"IPv6_rpfilter off in the file only", "facts-worker-1", "sed -i 's/^IPv6_rpfilter=.*/IPv6_rpfilter=no/' /etc/firewalld/firewalld.conf",
			"systemctl restart firewalld",
			[]string{"10.2.0.5 ipv6-rpfilter warning: IPv6_rpfilter is no, but firewalld runs with its rule still"},
		},
	}
}

// begins reports whether a line begins with one of the texts.
func begins(line string, texts []string) bool {
	for _, text := range texts {
		if strings.HasPrefix(line, text) {
			return true
		}
	}
	return false
}

// Hosts of a lab pass; broken in one way, they fail for that reason alone; mended, they pass again.
func TestIntegrationPreflight(t *testing.T) {
	l := newLabHosts(t)
	healthy := unpassed(l.preflight(t))
	for _, line := range healthy {
		if strings.Contains(line, " failed: ") {
			t.Errorf("a new host fails: %s", line)
		}
	}
	const documented = "10.2.0.5 ipv6-rpfilter warning: IPv6_rpfilter is yes, which drops packets of pods; Red Hat Enterprise Linux"
	if !strings.Contains(strings.Join(healthy, "\n"), documented) {
		t.Errorf("the host like RHEL is not told about IPv6_rpfilter:\n%s", strings.Join(healthy, "\n"))
	}
	for _, b := range breakages() {
		t.Run(b.name, func(t *testing.T) {
			l.run(t, b.host, b.breaks)
			said := unpassed(l.preflight(t))
			l.run(t, b.host, b.mends)
			for _, want := range b.want {
				if !strings.Contains("\n"+strings.Join(said, "\n"), "\n"+want) {
					t.Errorf("nothing begins with %q:\n%s", want, strings.Join(said, "\n"))
				}
			}
			for _, line := range said {
				if strings.Contains(line, " failed: ") && !begins(line, b.want) {
					t.Logf("also: %s", line)
				}
			}
		})
	}
	if left := unpassed(l.preflight(t)); len(left) >= len(healthy) {
		t.Errorf("mended hosts are not as they were, without the warning about IPv6_rpfilter that was followed:\n%s", strings.Join(left, "\n"))
	}
}
