# Makes this host the first node of a new cluster. $1 is kubeadm's configuration; it holds secrets.
trap 'rm -f -- "$1"' EXIT
trap 'exit 1' HUP INT PIPE TERM # without it, dash skips the EXIT trap when a signal ends it
progress 1800 # kubeadm has its own timeouts, of a few minutes for each step
kubeadm init --config "$1" --skip-token-print
