# Removes what says that this host has joined, and what it joined with.
rm -f /etc/dualstrap/joined
rm -rf /etc/dualstrap/kubeadm
rm -f /run/dualstrap-kubeadm.lock # nobody waits for it: this run has the cluster's lock
