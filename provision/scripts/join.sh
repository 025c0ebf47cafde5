# Makes this host a node of the cluster. $1 is kubeadm's configuration; it holds a token.
trap 'rm -f -- "$1"' EXIT
kubeadm join --config "$1"
