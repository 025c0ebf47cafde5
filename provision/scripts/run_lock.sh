# Holds this host's lock for as long as its input goes on. $1 says who does; without a sign of life for
# $2 seconds it is over.
path=/run/dualstrap.lock
while :; do
	exec 9>>"$path"
	if ! flock --nonblock 9; then
		[ -s "$path" ] || sleep 1 # whoever has it is about to say so
		answer holder cat "$path"
		exit 0
	fi
	# The file may have been removed in between, by who held it before.
	if [ "$path" -ef /dev/fd/9 ]; then
		break
	fi
done
printf '%s\n' "$1" >"$path"
while timeout "$2" head -c 1 | grep -q .; do
	:
done
rm -f "$path"
