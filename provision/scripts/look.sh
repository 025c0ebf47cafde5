# Says how far this host is on the way to being a node. A kubeadm whose run was cut off comes to its end first:
# what it leaves, and what it takes away, is not to be met later.
lock=/run/dualstrap-kubeadm.lock
if [ -r "$lock" ]; then
	exec 9<"$lock"
	if ! flock --timeout 120 9; then
		echo 'a kubeadm has been running on this host for two minutes' >&2
		exit 1
	fi
	exec 9<&-
fi
if [ -e /etc/dualstrap/joined ]; then
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
