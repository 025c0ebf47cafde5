# Waits until no other run is undoing changes on this host: the script of an interrupted run may still be working.
# After it has finished, the state directory is gone and nothing is left to do.
# shellcheck source=hostprep/remote/scripts/change_lock.sh
# shellcheck source=hostprep/change/scripts/state.sh
if [ -d "$state" ]; then
	exec 9<"$state"
	progress 120
	if ! flock --timeout 120 9; then
		echo 'another run has been undoing changes on this host for two minutes' >&2
		exit 1
	fi
fi
[ -d "$state" ] || exit 0
