# Makes this host a node of the cluster. $1 is kubeadm's configuration; it holds a token.
trap 'rm -f -- "$1"' EXIT
trap 'exit 1' HUP INT PIPE TERM # without it dash ends without the one above
# The cluster's kubelet takes over what the other one runs.
systemctl stop dualstrap-standalone.service 2>/dev/null || :
progress 1800 # it gives up by itself, after some minutes for each thing that it waits for
kubeadm join --config "$1"
