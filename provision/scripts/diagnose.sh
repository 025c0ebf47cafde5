# Collects what may tell why kubeadm came to no end: the kubelet's last complaints, and the last words
# of control plane containers.
said() { journalctl --unit kubelet --since -10min --no-pager --output cat | tail -c 262144; }
answer kubelet said
last_words() {
	for log in $(ls -t /var/log/pods/kube-system_*/*/*.log 2>/dev/null | head -n 6); do
		echo "== ${log#/var/log/pods/kube-system_}"
		tail -n 5 "$log" | tail -c 16384
	done
}
answer containers last_words
