# Stores the control plane's certificates in the cluster, for control plane nodes that join within two hours. kubeadm's
# configuration comes on standard input; it holds the key that encrypts them.
# Arguments:
#   scratch: a directory on a tmpfs, in which the configuration is kept while kubeadm runs
umask 077
config=
trap 'rm -f -- "$config"' EXIT
trap 'exit 1' HUP INT PIPE TERM # without it, dash skips the EXIT trap when a signal ends it
config=$(mktemp -p "$scratch" dualstrap-kubeadm.XXXXXXXXXX)
cat >"$config"
progress 600 # kubeadm has its own timeouts
kubeadm init phase upload-certs --upload-certs --config "$config" >/dev/null # it prints the key
