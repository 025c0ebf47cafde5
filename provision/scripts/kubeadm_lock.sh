# Waits until no other kubeadm runs on this host. One that a run left behind is ended: this run has the cluster's
# lock, so that nobody waits for it, and once its token is taken back it tries in vain until it gives up.
lock=/run/dualstrap-kubeadm.lock
exec 9>>"$lock"
progress 125
if ! flock --timeout 5 9; then
	for process in $(pgrep -x kubeadm); do
		if [ "/proc/$process/fd/9" -ef "$lock" ]; then
			kill -KILL "$process" || : # it may have ended
		fi
	done
	if ! flock --timeout 120 9; then
		echo "something else has held $lock for two minutes; see what: fuser -v $lock" >&2
		exit 1
	fi
fi
progress
