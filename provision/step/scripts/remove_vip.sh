# Removes the control plane's VIP from this host. A keepalived that was killed leaves it behind, and packets of the host to
# the VIP would then never leave the host.
# Arguments:
#   vip: the VIP
# shellcheck source=provision/step/scripts/kubeadm_lock.sh
ip -o address show to "$vip" | while read -r _ link _ address _; do
	ip address delete "$address" dev "$link"
done
