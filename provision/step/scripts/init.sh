# Makes this host the first node of a new cluster.
# Arguments:
#   config: path of kubeadm's configuration, which holds secrets; it is removed
# shellcheck source=provision/step/scripts/kubeadm_lock.sh
trap 'rm -f -- "$config"' EXIT
trap 'exit 1' HUP INT PIPE TERM # without it, dash skips the EXIT trap when a signal ends it
progress 1800 # kubeadm has its own timeouts, of a few minutes for each step
kubeadm init --config "$config" --skip-token-print
