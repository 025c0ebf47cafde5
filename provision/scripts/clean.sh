# Takes back what an init or a join left that did not come to its end.
kubeadm reset --force --cri-socket "$1"
rm -rf /etc/kubernetes/manifests /etc/kubernetes/pki /etc/kubernetes/*.conf
