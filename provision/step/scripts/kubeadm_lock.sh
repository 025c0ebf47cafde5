# Acquires the kubeadm lock of this host as file descriptor 9, for the rest of the script, and waits until no other kubeadm
# runs. It kills the kubeadm of an interrupted run: this run holds the cluster's lock, so no other run depends on it, and
# after its token is revoked it only retries until its timeout.
lock=/run/dualstrap-kubeadm.lock
exec 9>>"$lock"
progress 125
if ! flock --timeout 5 9; then
	for process in $(pgrep -x kubeadm); do
		# shellcheck disable=SC3013 # every sh of the supported systems has -ef
		if [ "/proc/$process/fd/9" -ef "$lock" ]; then # it inherited the descriptor from this script in an earlier run
			kill -KILL "$process" || : # it may have exited
		fi
	done
	if ! flock --timeout 120 9; then
		echo "something else has held $lock for two minutes; see what: fuser -v $lock" >&2
		exit 1
	fi
fi
progress
