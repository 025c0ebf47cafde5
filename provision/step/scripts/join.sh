# Makes this host a node of the cluster.
# Arguments:
#   config: path of kubeadm's configuration, which holds a token; it is removed
#   etcd: directory of etcd's data; empty on a host without etcd
# shellcheck source=provision/step/scripts/kubeadm_lock.sh
trap 'rm -f -- "$config"' EXIT
trap 'exit 1' HUP INT PIPE TERM # without it, dash skips the EXIT trap when a signal ends it
# The cluster's kubelet takes over the containers of the standalone one.
systemctl stop dualstrap-standalone.service 2>/dev/null || :
# kubeadm sets this mode only if it makes the directory, and a file system of its own is there already.
[ -z "$etcd" ] || [ ! -d "$etcd" ] || chmod 0700 -- "$etcd"
progress 1800 # kubeadm has its own timeouts, of a few minutes for each step
kubeadm join --config "$config"
