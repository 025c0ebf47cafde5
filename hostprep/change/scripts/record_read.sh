# Gives the record, and what else is kept.
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
