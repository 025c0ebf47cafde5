# Says how far this host is on the way to being a node.
if [ -e /etc/dualstrap/joined ]; then
	answer joined :
	exit
fi
for path in /etc/kubernetes/*.conf /etc/kubernetes/pki/* /etc/kubernetes/manifests/* /var/lib/kubelet/config.yaml /var/lib/etcd/member; do
	if [ -e "$path" ]; then
		answer half echo "$path"
		exit
	fi
done
