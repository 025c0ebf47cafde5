# Scripts that change a host hold a shared lock, so that all scripts of a run can hold it at once. An interrupted run leaves
# scripts behind that run to completion: sshd does not end processes that have no terminal.
lock=/run/dualstrap-changes.lock

# lock_shared holds the lock until the script, and everything that it has started, ends. Call it when all of the script's
# standard input has arrived: a connection that breaks may never report its end, and the script would wait forever.
lock_shared() {
	[ -w "${lock%/*}" ] || return 0 # without root, a script changes nothing that other runs change
	exec 8>>"$lock"
	flock --shared 8
}

# wait_unlocked waits until no script holds the lock, so that the state which is read next stays as it is. It gives up after
# five minutes.
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
