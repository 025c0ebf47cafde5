# What one host is like. It only reads, any program but grep may be missing, and it starts few: most of
# what is asked here stands in files, which one grep prints, each line after its path, without comments.

lines() {
	set -- /etc/os-release /usr/lib/os-release /etc/machine-id /etc/resolv.conf \
		/etc/firewalld/firewalld.conf /etc/ufw/ufw.conf /etc/kubernetes/pki/ca.crt \
		/var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env \
		/run/systemd/container /run/systemd/resolve/resolv.conf \
		/proc/swaps /proc/cgroups \
		/proc/net/ip_tables_names /proc/net/ip6_tables_names \
		/proc/sys/kernel/osrelease /proc/sys/kernel/hostname \
		/proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ip_nonlocal_bind /proc/sys/net/ipv6/ip_nonlocal_bind \
		/proc/sys/fs/inotify/max_user_instances /proc/sys/fs/inotify/max_user_watches \
		/sys/class/dmi/id/product_uuid /sys/fs/cgroup/cgroup.controllers
	for conf in /proc/sys/net/ipv6/conf/*; do
		case ${conf##*/} in
		veth* | cali* | lxc*) continue ;; # the hosts' ends of pods' links, of which there are many
		esac
		set -- "$@" "$conf/disable_ipv6" "$conf/forwarding" "$conf/accept_ra" "$conf/use_tempaddr"
	done
	grep -asHvE '^[[:space:]]*(#|$)' "$@" || : # it fails for what is not there
	line /proc/meminfo MemTotal:
	line /proc/self/status Uid:
}

# line FILE WORD prints the line of a file that begins with the word: of some hundred lines, one is of use.
line() {
	while read -r text; do
		case $text in
		"$2"*)
			echo "$1:$text"
			return
			;;
		esac
	done <"$1"
}

# What there is of these: some only have to be there, and directories of clusters to hold something.
present() {
	for path in /run/systemd/system /sys/fs/cgroup/cgroup.controllers /sys/fs/cgroup/memory /proc/sys/net/ipv6 \
		/etc/dualstrap /etc/dualstrap/joined; do
		[ ! -e "$path" ] || echo "$path"
	done
	for path in /etc/kubernetes /var/lib/etcd /var/lib/kubelet /etc/cni/net.d /var/lib/cni \
		/etc/rancher /var/lib/rancher /var/lib/k0s /var/snap/microk8s; do
		for entry in "$path"/* "$path"/.[!.]*; do
			case $entry in
			*/lost+found) continue ;;
			esac
			if [ -e "$entry" ]; then
				echo "$path"
				break
			fi
		done
	done
}

# The file systems below these paths, which need not exist yet.
space() {
	set --
	for path in / /var/lib/containerd /var/lib/kubelet /var/lib/etcd; do
		while [ -n "$path" ] && [ ! -d "$path" ]; do
			path=${path%/*}
		done
		set -- "$@" "${path:-/}"
	done
	stat -f -c '%i %S %b %a %c %d' -- "$@"
}

programs() {
	for program in apt-get bash cp dnf firewall-cmd gzip ip losetup mount nft ping sha256sum ss sysctl umount zypper; do
		if command -v "$program" >/dev/null; then
			echo "$program"
		fi
	done
}

# Whether the kernel has what the cluster is made of: yes, no, or unknown where nothing tells.
features() {
	read -r release </proc/sys/kernel/osrelease
	config=
	for pair in overlay:OVERLAY_FS nf_tables:NF_TABLES nf_conntrack:NF_CONNTRACK veth:VETH; do
		module=${pair%:*}
		if [ -d "/sys/module/$module" ]; then
			echo "$module yes"
			continue
		fi
		: "${config:=$(kernel_config "$release")}"
		case $config in
		*"_${pair#*:}=y"*) echo "$module yes" ;;
		*"_${pair#*:}=m"* | unknown)
			if modprobe -n -q "$module" 2>/dev/null; then
				echo "$module yes"
			elif [ "$config" = unknown ] || [ ! -d "/lib/modules/$release" ]; then
				echo "$module unknown"
			else
				echo "$module no"
			fi
			;;
		*) echo "$module no" ;;
		esac
	done
}

kernel_config() {
	options='CONFIG_(OVERLAY_FS|NF_TABLES|NF_CONNTRACK|VETH)=[ym]'
	for file in "/boot/config-$1" "/lib/modules/$1/config"; do
		if [ -r "$file" ]; then
			grep -oE "$options" "$file"
			return
		fi
	done
	gzip -dc /proc/config.gz 2>/dev/null | grep -oE "$options" || echo unknown
}

units() {
	systemctl show --no-pager -p Id -p LoadState -p ActiveState -p UnitFileState -p FragmentPath \
		firewalld.service ufw.service nftables.service iptables.service ip6tables.service \
		kubelet.service containerd.service docker.service crio.service cri-docker.service \
		k3s.service k3s-agent.service rke2-server.service rke2-agent.service \
		k0scontroller.service k0sworker.service snap.microk8s.daemon-kubelite.service
}

# Routes without a gateway, and default routes. Routes to pods of other nodes, a thousand perhaps, have one.
routes() {
	ip "$1" route show | grep -E '^default|^[^ ]*/[0-9]+ dev ' || :
}

timesync() {
	# A container has no clock of its own.
	[ -e /run/systemd/container ] || timedatectl show -p NTPSynchronized
}

# The interfaces that a zone of firewalld claims; all others are in its default zone.
zones() {
	busctl --json=short --auto-start=no --timeout=5 call org.fedoraproject.FirewallD1 /org/fedoraproject/FirewallD1 \
		org.fedoraproject.FirewallD1.zone getActiveZones
}

# The rule that firewalld makes of IPv6_rpfilter, in the words of its two back ends.
rpfilter() {
	nft list table inet firewalld 2>/dev/null | grep -E 'fib saddr .*(missing|oif 0).* drop' || :
	if grep -qs '^FirewallBackend=iptables' /etc/firewalld/firewalld.conf; then
		for table in raw mangle; do
			ip6tables -t $table -S 2>/dev/null | grep -E 'rpfilter.* -j DROP' || :
		done
	fi
}

# What the host is a node of, and what it was prepared for. Nothing else of these files leaves the host.
endpoints() {
	grep -asHE '^[[:space:]]*(server|controlPlaneEndpoint|apiServerEndpoint): ' \
		/etc/kubernetes/kubelet.conf /etc/dualstrap/*.yaml || :
}

answer lines lines
answer present present
answer architecture uname -m
answer cpus nproc
answer space space
answer programs programs
answer features features
answer container systemd-detect-virt --container
answer units units
answer addresses ip -j address show
answer routes4 routes -4
answer routes6 routes -6
answer listeners ss -H -lntup
answer endpoints endpoints
answer timesync timesync
answer selinux getenforce
if [ -e /etc/firewalld/firewalld.conf ]; then
	answer zones zones
	answer rpfilter rpfilter
fi
answer clock date +%s%N
