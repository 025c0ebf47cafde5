# Removes the marker that this host has joined, kubeadm's configuration, and the key file at $1.
rm -f /etc/dualstrap/joined
rm -rf /etc/dualstrap/kubeadm
rm -f -- "$1"
rmdir -- "${1%/*}" 2>/dev/null || : # it may hold other files, which are removed according to the record
rm -f /run/dualstrap-kubeadm.lock # nothing waits for it: this run holds the cluster's lock
