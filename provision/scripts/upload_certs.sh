# Leaves the control plane's certificates in the cluster, encrypted with the key that standard input's
# configuration holds, for control plane nodes that join within two hours. $1 is the directory for the configuration: it
# is in memory.
umask 077
config=
trap 'rm -f -- "$config"' EXIT
trap 'exit 1' HUP INT PIPE TERM # without it dash ends without the one above
config=$(mktemp -p "$1" dualstrap-kubeadm.XXXXXXXXXX)
cat >"$config"
progress 600 # it gives up by itself
kubeadm init phase upload-certs --upload-certs --config "$config" >/dev/null # it prints the key
