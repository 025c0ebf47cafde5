# Takes back what an init or a join left that did not come to its end.
systemctl stop dualstrap-standalone.service 2>/dev/null || :
rm -f /etc/kubernetes/admin.conf # with it kubeadm asks the cluster for a minute about a node that it does not know
progress 600 # it gives up by itself
kubeadm reset --force --cri-socket "$1"
rm -rf /etc/kubernetes/manifests /etc/kubernetes/pki /etc/kubernetes/*.conf
