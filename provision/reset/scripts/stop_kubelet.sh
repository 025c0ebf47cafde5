# Stops everything that starts pods on this host: the kubelet, and the standalone kubelet of the load balancer.
# shellcheck source=provision/step/scripts/kubeadm_lock.sh
for unit in kubelet.service dualstrap-standalone.service; do
	progress
	systemctl stop "$unit" 2>/dev/null || :
	if systemctl --quiet is-active "$unit"; then
		echo "$unit does not stop" >&2
		exit 1
	fi
done
