# Reads the facts about one host. The script changes nothing, works if programs are missing (except for grep), and
# starts few of them: most facts are in files, which a single grep prints.
# Arguments:
#   programs: names of programs to look for, one per line
# shellcheck source=hostprep/remote/scripts/change_lock.sh

# lines prints the files, each line preceded by its path, without comments and empty lines.
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
		veth* | cali* | lxc*) continue ;; # the host's ends of pods' interfaces, which may be many
		esac
		set -- "$@" "$conf/disable_ipv6" "$conf/forwarding" "$conf/accept_ra" "$conf/use_tempaddr"
	done
	grep -asHvE '^[[:space:]]*(#|$)' "$@" || : # grep fails if a file is missing
	line /proc/meminfo MemTotal:
	line /proc/self/status Uid:
}

# line FILE WORD: prints the line of a file that begins with the word. These files have a hundred other lines.
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

# present prints which of these paths exist. The directories of clusters only count if they are not empty; lost+found
# is there if a directory has a file system of its own.
present() {
	for path in /run/systemd/system /sys/fs/cgroup/cgroup.controllers /sys/fs/cgroup/memory /proc/sys/net/ipv6 \
		/etc/dualstrap /etc/dualstrap/joined; do
		[ ! -e "$path" ] || echo "$path"
	done
	for path in /etc/kubernetes /var/lib/etcd /var/lib/kubelet /var/lib/cni \
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
	pod_networks
}

# pod_networks prints the configurations of other pod networks. containerd takes the first file by name, so those that come
# before dualstrap's matter. Those after it belong to programs such as podman, unless a pod network is known by its name.
pod_networks() {
	for path in /etc/cni/net.d/*.conf /etc/cni/net.d/*.conflist /etc/cni/net.d/*.json; do
		case $path in
		*calico* | *canal* | *cilium* | *flannel* | *kuberouter* | *weave* | *antrea* | *ovn* | *multus*) ;;
		*) expr "${path##*/}" \< 10-dualstrap.conflist >/dev/null || continue ;;
		esac
		[ ! -e "$path" ] || echo "$path"
	done
}

# space prints the file system of each of these paths, in this order. If a path does not exist yet, it is that of the
# closest existing parent.
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

# found_programs prints which of the programs are in the PATH.
found_programs() {
	for program in $programs; do
		if command -v "$program" >/dev/null; then
			echo "$program"
		fi
	done
}

# features prints for each kernel module that a node needs whether the kernel has it: yes, no, or unknown if neither
# /sys, the kernel's configuration nor modprobe can tell.
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

# kernel_config RELEASE: prints the relevant lines of the running kernel's configuration, or unknown if that cannot be read.
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

# units prints the state of services of firewalls, of container runtimes and of Kubernetes distributions.
units() {
	systemctl show --no-pager -p Id -p LoadState -p ActiveState -p UnitFileState -p FragmentPath \
		firewalld.service ufw.service nftables.service iptables.service ip6tables.service \
		kubelet.service containerd.service docker.service crio.service cri-docker.service \
		k3s.service k3s-agent.service rke2-server.service rke2-agent.service \
		k0scontroller.service k0sworker.service snap.microk8s.daemon-kubelite.service
}

# routes -4|-6: prints routes without a gateway, and default routes. It leaves out the routes to the pods of other
# nodes, which may be a thousand, and have a gateway.
routes() {
	ip "$1" route show | grep -E '^default|^[^ ]*/[0-9]+ dev ' || :
}

# timesync prints whether the clock is synchronized. A container does not have a clock of its own.
timesync() {
	[ -e /run/systemd/container ] || timedatectl show -p NTPSynchronized
}

# zones prints firewalld's zones with the interfaces that they claim. All other interfaces are in the default zone.
zones() {
	busctl --json=short --auto-start=no --timeout=5 call org.fedoraproject.FirewallD1 /org/fedoraproject/FirewallD1 \
		org.fedoraproject.FirewallD1.zone getActiveZones
}

# rpfilter prints the rule that firewalld creates for IPv6_rpfilter, with either of its two backends.
rpfilter() {
	nft list table inet firewalld 2>/dev/null | grep -E 'fib saddr .*(missing|oif 0).* drop' || :
	if grep -qs '^FirewallBackend=iptables' /etc/firewalld/firewalld.conf; then
		for table in raw mangle; do
			ip6tables -t $table -S 2>/dev/null | grep -E 'rpfilter.* -j DROP' || :
		done
	fi
}

# endpoints prints the API server of the kubelet, and that of the cluster that the host was prepared for. Nothing else
# of these files leaves the host, since they may contain secrets.
endpoints() {
	grep -asHE '^[[:space:]]*(server|controlPlaneEndpoint|apiServerEndpoint): ' \
		/etc/kubernetes/kubelet.conf /etc/dualstrap/*.yaml || :
}

wait_unlocked
answer lines lines
answer present present
answer architecture uname -m
answer cpus nproc
answer space space
answer programs found_programs
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
