# Makes this host a node of the cluster. $1 is kubeadm's configuration; it holds a token.
trap 'rm -f -- "$1"' EXIT
trap 'exit 1' HUP INT PIPE TERM # without it, dash skips the EXIT trap when a signal ends it
# The cluster's kubelet takes over the containers of the standalone one.
systemctl stop dualstrap-standalone.service 2>/dev/null || :
progress 1800 # kubeadm has its own timeouts, of a few minutes for each step
kubeadm join --config "$1"
