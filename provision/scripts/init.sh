# Makes this host the first node of a new cluster. $1 is kubeadm's configuration; it holds secrets.
trap 'rm -f -- "$1"' EXIT
trap 'exit 1' HUP INT PIPE TERM # without it dash ends without the one above
progress 1800 # it gives up by itself, after some minutes for each thing that it waits for
kubeadm init --config "$1" --skip-token-print
