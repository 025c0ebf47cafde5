# Waits until no other kubeadm runs on this host: one whose run was cut off may still be on its way.
exec 9>/run/dualstrap-kubeadm.lock
if ! flock --timeout 120 9; then
	echo 'another kubeadm has been running on this host for two minutes' >&2
	exit 1
fi
