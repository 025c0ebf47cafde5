# Makes this host the first node of a new cluster. $1 is kubeadm's configuration; it holds secrets.
trap 'rm -f -- "$1"' EXIT
kubeadm init --config "$1" --skip-token-print
