# end_pods TABLES FORCE: ends all pods, and takes their network from the kernel. TABLES are nftables tables, as in
# "ip one,ip6 two". The pod network's own program knows what it has made; it is in the image that the host has. FORCE
# goes on where containerd does not start, so that nobody can ask that program.
tables=$1 force=$2
PATH=$PATH:/usr/local/bin

k8s() { ctr --connect-timeout 5s --namespace k8s.io "$@"; }

# running lists containers that have a process.
running() { k8s tasks ls | awk 'NR > 1 && $3 != "STOPPED" { print $1 }'; }

signal_all() {
	for container in $(running); do
		k8s tasks kill --all --signal "$1" "$container" 2>/dev/null || : # it may have ended
	done
}

end_containers() {
	signal_all SIGTERM # the VIP and load balancers' addresses go to other hosts at once
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
	release "$root" # from a run that was cut off
	mkdir -p "$root"
	k8s images mount "$image" "$root" >/dev/null
	removed=0
	"$root/usr/local/bin/dualstrap" agent --cleanup --cleanup-tables "$tables" || removed=$?
	release "$root"
	return "$removed"
}

# release ROOT: takes an image from where it is mounted.
release() {
	k8s images unmount --rm "$1" >/dev/null 2>&1 || : # there may be none
	[ ! -d "$1" ] || rmdir "$1"
}

# Of a run that was cut off there may be the unit left, and no program.
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
# What containerd does not know of, as when it does not start.
progress
systemctl kill --signal=SIGKILL kubepods.slice 2>/dev/null || :
systemctl stop kubepods.slice 2>/dev/null || :
pkill -KILL -f '^/usr/local/bin/containerd-shim-runc-v2 -namespace k8s\.io ' || :

# Interfaces whose pods have had no time to remove them.
for link in $(grep -ohsE '"veth[0-9a-f]{8}"' /var/lib/cni/results/* | tr -d '"' | sort -u); do
	[ ! -e "/sys/class/net/$link" ] || ip link delete "$link" || [ ! -e "/sys/class/net/$link" ]
done
for netns in /run/netns/cni-*; do
	[ -e "$netns" ] || continue
	umount "$netns" || :
	rm -f "$netns"
done
rmdir /run/netns 2>/dev/null || : # somebody else's are in it

in_table() { "$end_program" --wait 10 -t "$end_table" "$@"; }

# The kubelet's chains, where the host has iptables: it makes some in every table, and rules that lead there.
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
