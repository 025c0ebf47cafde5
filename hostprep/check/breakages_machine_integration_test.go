//go:build integration

package check_test

// rpfilterOn restores the initial state of a lab's hosts. It waits for the rule, because firewalld answers on the bus
// before its rules are in the kernel.
const rpfilterOn = "sed -i 's/^IPv6_rpfilter=.*/IPv6_rpfilter=yes/' /etc/firewalld/firewalld.conf; systemctl restart firewalld; " +
	"timeout 20 sh -c 'until nft list table inet firewalld 2>/dev/null | grep -q \"fib saddr\"; do sleep 0.1; done'"

func machineBreakages() []breakage {
	return []breakage{
		{
			// All containers share the machine's swap. A file is mounted over the kernel's, as lxcfs does to make
			// containers look like machines.
			"swap on",
			[]step{{worker2, `printf 'Filename Type Size Used Priority\n/swap.img file 4194300 0 -2\n' >/root/swaps; ` +
				"mount --bind /root/swaps /proc/swaps"}},
			[]step{{worker2, "umount /proc/swaps; rm /root/swaps"}},
			[]string{"10.2.0.6 swap failed: it swaps to /swap.img"},
		},
		{
			"disk nearly full",
			[]step{{cp1, "mkdir -p /var/lib/containerd; mount -t tmpfs -o size=100m tmpfs /var/lib/containerd; " +
				"head -c 80m /dev/zero >/var/lib/containerd/full"}},
			[]step{{cp1, "umount /var/lib/containerd; rmdir /var/lib/containerd"}},
			[]string{"10.2.0.4 disk failed: the file system of /var/lib/containerd has 20 MiB free and needs 3.0 GiB"},
		},
		{
			"inodes nearly used up",
			[]step{{worker2, "mkdir -p /var/lib/containerd; mount -t tmpfs -o size=100g,nr_inodes=1000 tmpfs /var/lib/containerd; " +
				"cd /var/lib/containerd; seq 980 | xargs touch"}},
			[]step{{worker2, "umount /var/lib/containerd; rmdir /var/lib/containerd"}},
			[]string{"10.2.0.6 disk failed: the file system of /var/lib/containerd has less than 5 % of its inodes free"},
		},
		{
			"port 6443 taken",
			[]step{{cp1, "systemd-run -q --unit busy systemd-socket-activate -l 6443 /bin/true; " +
				"timeout 20 sh -c 'until ss -Hlnt | grep -q :6443; do sleep 0.1; done'"}},
			[]step{{cp1, "systemctl stop busy"}},
			[]string{"10.2.0.4 ports failed: systemd-socket- has port 6443/tcp, which the API server needs"},
		},
		{
			"nftables missing",
			[]step{{worker2, "mv /usr/sbin/nft /usr/sbin/nft.away"}},
			[]step{{worker2, "mv /usr/sbin/nft.away /usr/sbin/nft"}},
			[]string{"10.2.0.6 programs warning: missing programs: nft (for the portmap plugin)"},
		},
		{
			"IPv6_rpfilter on a host like RHEL",
			[]step{{worker1, rpfilterOn}},
			fresh(),
			[]string{"10.2.0.5 ipv6-rpfilter warning: IPv6_rpfilter is yes, which drops packets of pods; on Red Hat Enterprise Linux 9.6"},
		},
		{
			"IPv6_rpfilter off in the file only",
			[]step{{worker2, rpfilterOn + "; sed -i 's/^IPv6_rpfilter=.*/IPv6_rpfilter=no/' /etc/firewalld/firewalld.conf"}},
			[]step{{worker2, "systemctl restart firewalld"}},
			[]string{"10.2.0.6 ipv6-rpfilter warning: IPv6_rpfilter is no, but the running firewalld still has its rule"},
		},
		{
			"firewalld off until the next boot",
			[]step{{worker2, "systemctl stop firewalld"}},
			[]step{{worker2, "systemctl start firewalld"}},
			[]string{"10.2.0.6 firewalld warning: firewalld is stopped, but starts at the next boot, without the cluster's ports"},
		},
		{
			"ufw on", // the check reads ufw's configuration file
			[]step{{worker2, "mkdir -p /etc/ufw; echo ENABLED=yes >/etc/ufw/ufw.conf"}},
			[]step{{worker2, "rm /etc/ufw/ufw.conf"}},
			[]string{"10.2.0.6 conflicting-firewall failed: ufw is on, and drops what is forwarded to pods"},
		},
		{
			"nftables.service on", // systemd stops firewalld for it
			[]step{{worker2, "systemctl start nftables"}},
			[]step{{worker2, "systemctl stop nftables; systemctl start firewalld"}},
			[]string{
				"10.2.0.6 firewalld warning: firewalld is stopped, but starts at the next boot, without the cluster's ports",
				"10.2.0.6 conflicting-firewall warning: nftables.service is on: when it is restarted, the cluster's rules are gone",
			},
		},
	}
}

// runs returns a script that installs and starts a unit in place of that of a distribution's package. It sleeps.
func runs(unit string) string {
	return `printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' >/lib/systemd/system/` + unit +
		"; systemctl daemon-reload; systemctl start " + unit
}

// removed returns a script that removes the unit.
func removed(unit string) string {
	return "systemctl disable -q --now " + unit + "; rm /lib/systemd/system/" + unit + "; systemctl daemon-reload"
}

func occupantBreakages() []breakage {
	return []breakage{
		{
			"leftovers of another cluster",
			[]step{{worker2, "mkdir -p /etc/kubernetes/manifests /var/lib/etcd/member; ip link add cni0 type bridge; " + runs("kubelet.service")}},
			[]step{{worker2, "rm -r /etc/kubernetes /var/lib/etcd; ip link delete cni0; " + removed("kubelet.service")}},
			[]string{"10.2.0.6 leftovers failed: found files in /etc/kubernetes, /var/lib/etcd; a kubelet runs; a pod network left cni0"},
		},
		{
			"node of another cluster",
			[]step{{worker2, "mkdir /etc/kubernetes; " +
				`printf 'clusters:\n- cluster:\n    server: https://10.9.0.1:443\n' >/etc/kubernetes/kubelet.conf`}},
			[]step{{worker2, "rm -r /etc/kubernetes"}},
			[]string{"10.2.0.6 other-cluster failed: it is a node of the cluster at https://10.9.0.1:443, which dualstrap did not make"},
		},
		{
			"prepared for another cluster",
			[]step{{worker2, "mkdir -p /etc/dualstrap; echo 'controlPlaneEndpoint: 10.9.0.1:443' >/etc/dualstrap/kubeadm.yaml"}},
			[]step{{worker2, "rm -r /etc/dualstrap"}},
			[]string{"10.2.0.6 other-cluster failed: dualstrap prepared it for the cluster at 10.9.0.1:443"},
		},
		{
			"node of k3s",
			[]step{{worker2, runs("k3s.service")}},
			[]step{{worker2, removed("k3s.service")}},
			[]string{"10.2.0.6 other-cluster failed: it is a node of k3s"},
		},
		{
			"containerd of the distribution",
			[]step{{worker2, runs("containerd.service")}},
			[]step{{worker2, removed("containerd.service")}},
			[]string{"10.2.0.6 container-runtime failed: another containerd is running, from /lib/systemd/system/containerd.service"},
		},
		{
			"Docker and CRI-O",
			[]step{{worker2, runs("docker.service") + "; " + runs("crio.service") + "; systemctl enable -q crio; systemctl stop crio"}},
			[]step{{worker2, removed("docker.service") + "; " + removed("crio.service")}},
			[]string{"10.2.0.6 container-runtime failed: Docker runs; CRI-O is stopped, but starts at the next boot"},
		},
	}
}
