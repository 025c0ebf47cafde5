# Waits until the lock is held. It waits for ten seconds at most, because the run that asked may have ended; a run that has
# not asks again.
# Arguments:
#   holder: describes the run that acquires the lock
for _ in $(seq 100); do
	if [ "$(cat /run/dualstrap.lock 2>/dev/null)" = "$holder" ]; then
		exit 0
	fi
	sleep 0.1
done
echo 'the lock is not held yet' >&2
exit 1
