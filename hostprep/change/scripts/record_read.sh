# Prints the record, and the names of what else the state directory contains.
# shellcheck source=hostprep/remote/scripts/change_lock.sh
# shellcheck source=hostprep/change/scripts/state.sh
wait_unlocked
if [ -d "$state" ]; then
	answer traces ls "$state"
fi
if [ -r "$state/record.jsonl" ]; then
	answer record cat "$state/record.jsonl"
fi
if [ -d "$state/restart" ]; then
	answer restart ls "$state/restart"
fi
