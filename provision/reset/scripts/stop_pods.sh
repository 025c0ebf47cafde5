# Stops all pods, and removes their network from the kernel. The agent in the image on the host knows what the pod network
# has created, and removes it; without containerd it cannot run.
# Arguments:
#   tables: nftables tables to remove, as in "ip one,ip6 two"
#   force: not empty to continue if containerd does not start
# shellcheck source=provision/step/scripts/kubeadm_lock.sh

k8s() { ctr --connect-timeout 5s --namespace k8s.io "$@"; }

# running lists containers that have a process.
running() { k8s tasks ls | awk 'NR > 1 && $3 != "STOPPED" { print $1 }'; }

signal_all() {
	for container in $(running); do
		k8s tasks kill --all --signal "$1" "$container" 2>/dev/null || : # it may have exited
	done
}

end_containers() {
	signal_all SIGTERM # the VIP and load balancers' addresses move to other hosts immediately
	for _ in $(seq 50); do
		[ -n "$(running)" ] || break
		sleep 0.1
	done
	signal_all SIGKILL
	for container in $(k8s tasks ls --quiet); do
		k8s tasks rm --force "$container" >/dev/null || :
	done
}

remove_containers() {
	for container in $(k8s containers ls --quiet); do
		k8s containers rm "$container" || :
	done
}

remove_network() {
	image=$(k8s images ls --quiet | grep '^dualstrap\.dev/dualstrap:' | head -n 1)
	if [ -z "$image" ]; then
		echo 'no pod network has been here: there is no image of it' >&2
		return
	fi
	root=/run/dualstrap-image
	release "$root" # an interrupted run may have left it mounted
	mkdir -p "$root"
	k8s images mount "$image" "$root" >/dev/null
	removed=0
	"$root/usr/local/bin/dualstrap" agent --cleanup --cleanup-tables "$tables" || removed=$?
	release "$root"
	return "$removed"
}

# release ROOT: unmounts the image at ROOT, and removes the directory.
release() {
	k8s images unmount --rm "$1" >/dev/null 2>&1 || : # it may not be mounted
	[ ! -d "$1" ] || rmdir "$1"
}

# An interrupted reset may have removed the programs and left the unit.
if [ -e /etc/systemd/system/containerd.service ] && [ -e /usr/local/bin/containerd ] && [ -e /usr/local/bin/ctr ]; then
	if systemctl start containerd.service; then
		progress
		end_containers
		progress
		remove_network
		progress
		remove_containers
	elif [ -z "$force" ]; then
		journalctl --unit containerd --lines 5 --no-pager --output cat >&2 || :
		echo 'containerd does not start, so that pods and their network cannot be taken away; --force goes on without' >&2
		exit 1
	fi
fi
# Kill processes that containerd does not know of, for example because it does not start.
progress
systemctl kill --signal=SIGKILL kubepods.slice 2>/dev/null || :
systemctl stop kubepods.slice 2>/dev/null || :
pkill -KILL -f '^/usr/local/bin/containerd-shim-runc-v2 -namespace k8s\.io ' || :

# Remove interfaces and network namespaces of pods that ended without removing them.
for link in $(grep -ohsE '"veth[0-9a-f]{8}"' /var/lib/cni/results/* | tr -d '"' | sort -u); do
	[ ! -e "/sys/class/net/$link" ] || ip link delete "$link" || [ ! -e "/sys/class/net/$link" ]
done
for netns in /run/netns/cni-*; do
	[ -e "$netns" ] || continue
	umount "$netns" || :
	rm -f "$netns"
done
rmdir /run/netns 2>/dev/null || : # it may hold namespaces of other programs

in_table() { "$end_program" --wait 10 -t "$end_table" "$@"; }

# Remove the kubelet's chains if the host has iptables. The kubelet creates KUBE- chains in every table, and rules in other
# chains that jump to them; a chain cannot be deleted while a rule refers to it.
end_chains() {
	end_program=$1 end_table=$2
	saved=$("$end_program-save" -t "$end_table" | sed -n 's/^:\([^ ]*\).*/\1/p')
	ours=$(printf '%s\n' "$saved" | grep '^KUBE-') || return 0
	for chain in $(printf '%s\n' "$saved" | grep -v '^KUBE-'); do
		for number in $(in_table -n --line-numbers -L "$chain" | awk '$2 ~ /^KUBE-/ { print $1 }' | sort -rn); do
			in_table -D "$chain" "$number"
		done
	done
	for chain in $ours; do
		in_table -F "$chain"
	done
	for chain in $ours; do
		in_table -X "$chain"
	done
}
for program in iptables ip6tables; do
	if command -v "$program" >/dev/null && command -v "$program-save" >/dev/null; then
		for table in mangle nat filter; do
			progress
			end_chains "$program" "$table"
		done
	fi
done
