# Reverts an init or a join that did not finish.
# Arguments:
#   socket: the socket of the container runtime
# shellcheck source=provision/step/scripts/kubeadm_lock.sh
systemctl stop dualstrap-standalone.service 2>/dev/null || :
rm -f /etc/kubernetes/admin.conf # with it, kubeadm queries the cluster for a minute for a Node that does not exist
progress 600 # kubeadm has its own timeouts
kubeadm reset --force --cri-socket "$socket"
rm -rf /etc/kubernetes/manifests /etc/kubernetes/pki /etc/kubernetes/*.conf
