# Waits until the lock is held by $1.
until [ "$(cat /run/dualstrap.lock 2>/dev/null)" = "$1" ]; do
	sleep 0.1
done
