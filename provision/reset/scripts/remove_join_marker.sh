# Removes the marker that this host has joined, kubeadm's configuration, and the file of keys.
# Arguments:
#   keys: path of the file with the keys that the API server encrypts Secrets with
# shellcheck source=provision/step/scripts/kubeadm_lock.sh
rm -f /etc/dualstrap/joined
rm -rf /etc/dualstrap/kubeadm
rm -f -- "$keys"
rmdir -- "${keys%/*}" 2>/dev/null || : # it may hold other files, which are removed according to the record
rm -f /run/dualstrap-kubeadm.lock # nothing waits for it: this run holds the cluster's lock
