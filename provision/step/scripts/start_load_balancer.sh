# Starts a standalone kubelet for the static pods of this host, until the host joins. The unit is transient: neither it nor
# the kubelet survives a reboot, and the next run starts them again.
# Arguments:
#   config: path of the kubelet's configuration
# shellcheck source=provision/step/scripts/kubeadm_lock.sh
systemctl reset-failed dualstrap-standalone.service 2>/dev/null || :
systemd-run --quiet --unit=dualstrap-standalone --property=Restart=always /usr/local/bin/kubelet --config="$config"
for _ in $(seq 120); do
	if ctr --namespace k8s.io tasks ls 2>/dev/null | grep -c RUNNING | grep -q '^[4-9]'; then # two pods, each with its sandbox
		exit
	fi
	sleep 0.5
done
journalctl --unit dualstrap-standalone --lines 20 --no-pager --output cat >&2
echo 'the load balancer has not started within a minute' >&2
exit 1
