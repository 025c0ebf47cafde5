# Removes what says that this host has joined, what it joined with, and the file of keys at $1.
rm -f /etc/dualstrap/joined
rm -rf /etc/dualstrap/kubeadm
rm -f -- "$1"
rmdir -- "${1%/*}" 2>/dev/null || : # other files are in it, and go by the record
rm -f /run/dualstrap-kubeadm.lock # nobody waits for it: this run has the cluster's lock
