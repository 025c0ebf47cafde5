# Holds this host's lock until standard input ends, or brings nothing for some seconds. If another process holds the lock, it
# prints the description of that one as "holder", and exits.
# Arguments:
#   holder: describes this run
#   expiry: how many seconds without input release the lock
path=/run/dualstrap.lock
while :; do
	exec 9>>"$path"
	if ! flock --nonblock 9; then
		[ -s "$path" ] || sleep 1 # the holder is about to write its description
		answer holder cat "$path"
		exit 0
	fi
	# The previous holder may have removed the file between opening and locking it. That lock is worth nothing.
	# shellcheck disable=SC3013 # every sh of the supported systems has -ef
	if [ "$path" -ef /dev/fd/9 ]; then
		break
	fi
done
printf '%s\n' "$holder" >"$path"
while timeout "$expiry" head -c 1 | grep -q .; do
	:
done
rm -f "$path"
