# Waits until no other run undoes what was done here: one that was cut off may still be on its way. When that
# has come to its end there is nothing left to do.
if [ -d "$state" ]; then
	exec 9<"$state"
	progress 120
	if ! flock --timeout 120 9; then
		echo 'another run has been undoing changes on this host for two minutes' >&2
		exit 1
	fi
fi
[ -d "$state" ] || exit 0
