# Scripts that change a host hold its lock, all those of a run at the same time. A run that was killed
# leaves scripts behind that go on to their ends: sshd does not stop what has no terminal.
lock=/run/dualstrap-changes.lock

# lock_shared holds the lock until the script, and what it has started, ends. By then all of its standard
# input is there: a connection that was cut may never say so, and the script would wait for ever.
lock_shared() {
	[ -w "${lock%/*}" ] || return 0 # whoever is not root changes nothing that others do, too
	exec 8>>"$lock"
	flock --shared 8
}

# wait_unlocked waits until nobody holds the lock, so that what is looked at then stays as it is.
wait_unlocked() {
	[ -r "$lock" ] || return 0
	exec 8<"$lock"
	if ! flock --nonblock 8; then
		progress 300
	fi
	if ! flock --timeout 300 8; then
		echo 'another run has been changing this host for five minutes; look at it with: fuser -v /run/dualstrap-changes.lock' >&2
		exit 1
	fi
	exec 8<&-
	progress
}
