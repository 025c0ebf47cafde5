# Reports how far this host has come in becoming a node: "joined", "balances" (it runs the control plane's load balancer),
# and "partial" (the path of something that an unfinished init or join has left).
#
# A kubeadm whose run was interrupted gets 30 seconds to finish, so that it does not change the host after this report. On
# a node, the lock is not held for a join but by another script, which must not be killed: the script waits for two minutes.
lock=/run/dualstrap-kubeadm.lock
joined=/etc/dualstrap/joined
if [ -r "$lock" ]; then
	exec 9<"$lock"
	timeout=30
	[ ! -e "$joined" ] || timeout=120
	progress "$timeout"
	if ! flock --timeout "$timeout" 9; then
		if [ -e "$joined" ]; then
			echo "something has held $lock for two minutes; see what: fuser -v $lock" >&2
			exit 1
		fi
		answer partial echo 'a kubeadm that still runs'
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
	*/haproxy.yaml | */keepalived.yaml) continue ;; # the load balancer runs before the host joins
	esac
	if [ -e "$path" ]; then
		answer partial echo "$path"
		exit
	fi
done
