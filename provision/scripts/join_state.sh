# Says how far this host is on the way to being a node. A kubeadm whose run was cut off has some time to come to its
# end: what it leaves, and what it takes away, is not to be met later. On a node it is not for joining that the lock is
# held, and nothing is to be ended.
lock=/run/dualstrap-kubeadm.lock
joined=/etc/dualstrap/joined
if [ -r "$lock" ]; then
	exec 9<"$lock"
	patience=30
	[ ! -e "$joined" ] || patience=120
	progress "$patience"
	if ! flock --timeout "$patience" 9; then
		if [ -e "$joined" ]; then
			echo "something has held $lock for two minutes; see what: fuser -v $lock" >&2
			exit 1
		fi
		answer half echo 'a kubeadm that still runs'
		exit
	fi
	exec 9<&-
	progress
fi
if [ -e "$joined" ]; then
	answer joined :
	exit
fi
if systemctl --quiet is-active dualstrap-standalone.service; then
	answer balances :
fi
for path in /etc/kubernetes/*.conf /etc/kubernetes/pki/* /etc/kubernetes/manifests/* /var/lib/kubelet/config.yaml /var/lib/etcd/member; do
	case $path in
	*/haproxy.yaml | */keepalived.yaml) continue ;; # they may be there before a node is
	esac
	if [ -e "$path" ]; then
		answer half echo "$path"
		exit
	fi
done
