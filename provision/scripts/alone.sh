# Waits until no other kubeadm runs on this host. One that a run left behind is ended: this run has the cluster's
# lock, so that nobody waits for it, and once its token is taken back it tries in vain until it gives up.
lock=/run/dualstrap-kubeadm.lock
exec 9>>"$lock"
if ! flock --timeout 5 9; then
	for fd in $(find /proc/[0-9]*/fd -lname "$lock" 2>/dev/null); do
		process=${fd%/fd/*}
		if [ "$(cat "$process/comm" 2>/dev/null)" = kubeadm ]; then
			kill -KILL "${process#/proc/}" || : # it may have ended
		fi
	done
	if ! flock --timeout 120 9; then
		echo "something else has held $lock for two minutes; see what: fuser -v $lock" >&2
		exit 1
	fi
fi
