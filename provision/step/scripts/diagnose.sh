# Collects logs that may explain why kubeadm failed: "kubelet", the last ten minutes of the kubelet's journal, and
# "containers", the last log lines of the six control plane containers that wrote most recently, each log after a line with
# "== " and its path. Both are truncated, because a component that restarts in a loop logs megabytes.
kubelet_log() { journalctl --unit kubelet --since -10min --no-pager --output cat | tail -c 262144; }
answer kubelet kubelet_log
last_log_lines() {
	# shellcheck disable=SC2012 # find does not sort, and these names have neither spaces nor line ends
	for log in $(ls -t /var/log/pods/kube-system_*/*/*.log 2>/dev/null | head -n 6); do
		echo "== ${log#/var/log/pods/kube-system_}"
		tail -n 5 "$log" | tail -c 16384
	done
}
answer containers last_log_lines
