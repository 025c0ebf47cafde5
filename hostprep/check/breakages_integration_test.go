//go:build integration

package check_test

// The hosts of the lab. everyNode stands for all of them but the client.
const (
	cp1, worker1, worker2 = "facts-cp-1", "facts-worker-1", "facts-worker-2" // worker1 is like RHEL
	client, everyNode     = "client", ""
)

// The hardware addresses of these two hosts, which the lab derives from their names.
const cp1MAC, clientMAC = "02:d5:0d:40:0f:a5", "02:d5:fa:64:d1:68"

// step is a script on a host.
type step struct{ host, script string }

// breakage breaks hosts of the lab in one way. want lists the findings of preflight, as the beginnings of the lines
// that unpassed returns.
type breakage struct {
	name          string
	breaks, mends []step
	want          []string
}

// fresh returns the steps after which the lab's hosts pass without a warning. The one of firewalld is tested as a
// breakage.
func fresh() []step {
	return []step{{everyNode, "sed -i 's/^IPv6_rpfilter=.*/IPv6_rpfilter=no/' /etc/firewalld/firewalld.conf; systemctl restart firewalld"}}
}

func breakages() []breakage {
	return append(append(addressBreakages(), identityBreakages()...), append(machineBreakages(), occupantBreakages()...)...)
}

// address6 restores the IPv6 address and route of worker2.
const address6 = "ip -6 address flush dev eth0 scope global; ip -6 address add fd12::2:6/108 dev eth0 nodad; " +
	"ip -6 route replace default via fd12::3:ffff; "

func addressBreakages() []breakage {
	return []breakage{
		{
			"IPv6 disabled",
			[]step{{worker2, "sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1"}},
			[]step{{worker2, "sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0; " + address6}},
			[]string{
				"10.2.0.6 ipv6-enabled failed: IPv6 is switched off: net.ipv6.conf.eth0.disable_ipv6 is 1",
				"10.2.0.6 dual-stack-network failed: eth0 has IPv4 only",
				"10.2.0.6 ipv6-address failed: eth0 has no IPv6 address that can be the node's: it has no global one",
				"10.2.0.6 default-route warning: it has no default route for IPv6",
			},
		},
		{
			"no global IPv6",
			[]step{{worker2, "ip -6 address flush dev eth0 scope global"}},
			[]step{{worker2, address6}},
			[]string{
				"10.2.0.6 dual-stack-network failed: eth0 has IPv4 only",
				"10.2.0.6 ipv6-address failed: eth0 has no IPv6 address that can be the node's: it has no global one",
			},
		},
		{
			"only a /128",
			[]step{{worker2, "ip -6 address flush dev eth0 scope global; ip -6 address add fd12::2:6/128 dev eth0 nodad"}},
			[]step{{worker2, address6}},
			[]string{
				"10.2.0.4 node-to-node failed: it does not reach fd12::2:6",
				"10.2.0.5 node-to-node failed: it does not reach fd12::2:6",
				"10.2.0.6 ipv6-on-link failed: it has no subnet around fd12::2:6, and so none that contains the node fd12::2:4",
				"10.2.0.6 node-to-node failed: it does not reach fd12::2:4, fd12::2:5",
			},
		},
		{
			"temporary address",
			[]step{{worker2, "ip -6 address flush dev eth0 scope global; sysctl -qw net.ipv6.conf.eth0.use_tempaddr=2; " +
				"ip -6 address add fd12::2:6/64 dev eth0 mngtmpaddr nodad valid_lft 86400 preferred_lft 43200; " +
				"timeout 20 sh -c 'until ip -6 address show dev eth0 temporary | grep -q inet6; do sleep 0.1; done'; " +
				"ip -6 address change fd12::2:6/64 dev eth0 mngtmpaddr valid_lft 86400 preferred_lft 0"}},
			[]step{{worker2, "sysctl -qw net.ipv6.conf.eth0.use_tempaddr=0; " + address6}},
			[]string{"10.2.0.6 ipv6-address failed: eth0 has no IPv6 address that can be the node's: fd12::"},
		},
		{
			"deprecated address",
			[]step{{worker2, "ip -6 address change fd12::2:6/108 dev eth0 valid_lft forever preferred_lft 0"}},
			[]step{{worker2, "ip -6 address change fd12::2:6/108 dev eth0 valid_lft forever preferred_lft forever"}},
			[]string{"10.2.0.6 ipv6-address failed: eth0 has no IPv6 address that can be the node's: fd12::2:6: it is deprecated"},
		},
		{
			"VIP taken",
			[]step{{client, "ip address add 10.2.0.175/32 dev eth0"}},
			[]step{{client, "ip address delete 10.2.0.175/32 dev eth0"}},
			[]string{"10.2.0.4 addresses-unused failed: " + clientMAC + " has 10.2.0.175"},
		},
		{
			"address of a pool taken",
			[]step{{client, "ip -6 address add fd12::4:105/128 dev eth0 nodad"}},
			[]step{{client, "ip -6 address delete fd12::4:105/128 dev eth0"}},
			[]string{"10.2.0.4 addresses-unused failed: " + clientMAC + " has fd12::4:105"},
		},
		{
			"no IPv6 between two hosts",
			[]step{{worker2, "ip -6 route add blackhole fd12::2:4/128"}},
			[]step{{worker2, "ip -6 route delete blackhole fd12::2:4/128"}},
			[]string{
				"10.2.0.4 node-to-node failed: it does not reach fd12::2:6",
				"10.2.0.6 node-to-node failed: it does not reach fd12::2:4",
			},
		},
	}
}

// greet makes worker2 announce its new hardware address to the other hosts, and learn theirs.
const greet = "; for other in 10.2.0.1 10.2.0.4 10.2.0.5 fd12::3:ffff fd12::2:4 fd12::2:5; do ping -n -q -c 1 -W 10 $other; done"

func identityBreakages() []breakage {
	return []breakage{
		{
			"duplicate machine-id",
			[]step{{everyNode, "cp /etc/machine-id /root/machine-id; echo 00000000000000000000000000000001 >/etc/machine-id"}},
			[]step{{everyNode, "cat /root/machine-id >/etc/machine-id; rm /root/machine-id"}},
			[]string{
				"10.2.0.4 machine-id failed: its machine-id is that of 10.2.0.5, 10.2.0.6, too",
				"10.2.0.5 machine-id failed: its machine-id is that of 10.2.0.4, 10.2.0.6, too",
				"10.2.0.6 machine-id failed: its machine-id is that of 10.2.0.4, 10.2.0.5, too",
			},
		},
		{
			"no machine-id",
			[]step{{worker2, "mv /etc/machine-id /root/machine-id"}},
			[]step{{worker2, "mv /root/machine-id /etc/machine-id"}},
			[]string{"10.2.0.6 machine-id failed: there is no machine-id"},
		},
		{
			"duplicate MAC",
			[]step{{worker2, "cat /sys/class/net/eth0/address >/root/mac; ip link set eth0 address " + cp1MAC + greet}},
			[]step{{worker2, "ip link set eth0 address $(cat /root/mac); rm /root/mac" + greet}},
			[]string{
				"10.2.0.4 mac-address failed: its hardware address " + cp1MAC + " is that of 10.2.0.6, too",
				"10.2.0.6 mac-address failed: its hardware address " + cp1MAC + " is that of 10.2.0.4, too",
			},
		},
		{
			"hostname clash",
			[]step{{worker2, "hostname facts-cp-1"}},
			[]step{{worker2, "hostname facts-worker-2"}},
			[]string{
				"10.2.0.4 hostname failed: it is called facts-cp-1, as is 10.2.0.6",
				"10.2.0.6 hostname failed: it is called facts-cp-1, as is 10.2.0.4",
			},
		},
		{
			// All containers of a machine share its clock. A library that is preloaded into every program of the host
			// replaces the kernel's answer, so that each of them, from sshd to date, reads another time.
			"clock ahead",
			[]step{{worker2, "echo /root/" + clockLibrary + " >/etc/ld.so.preload"}},
			[]step{{worker2, "rm /etc/ld.so.preload"}},
			[]string{"10.2.0.6 clock-skew failed: the clock is "},
		},
	}
}
