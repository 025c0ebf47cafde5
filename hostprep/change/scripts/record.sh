# Saves the previous state of what is about to change. Copies are made first, so that the record never refers to a
# missing one.
# Arguments, lists with one item per line:
#   copies: NAME=PATH of existing files and directories to copy
#   absent: paths that must not exist
#   restarts: units whose restart is pending
#   named: NAME=PATH of directories of which only the names of the entries are saved
#   entries: lines to append to the record, each with its newline
# shellcheck source=hostprep/remote/scripts/change_lock.sh
# shellcheck source=hostprep/change/scripts/state.sh
lock_shared
IFS='
'
set -f
umask 077
mkdir -p "$state/before" "$state/restart"

for path in $absent; do
	if [ -e "$path" ] || [ -L "$path" ]; then
		echo "$path has just been created by another program or user: run again" >&2
		exit 1
	fi
done
for copy in $copies; do
	name=${copy%%=*}
	# A copy of an earlier run is of the state before dualstrap; the file may have changed since.
	[ -e "$state/$name" ] || [ -L "$state/$name" ] && continue
	progress
	rm -rf "$state/$name.new"
	cp -a --one-file-system --reflink=auto -- "${copy#*=}" "$state/$name.new"
	mv -T -- "$state/$name.new" "$state/$name"
done
for tree in $named; do
	dir=${tree#*=} names=$state/${tree%%=*}
	mkdir -p "$names" # its mode and owner stand for those of the directory
	ls -A -- "$dir" >"$names/list"
	chmod --reference="$dir" -- "$names"
	chown --reference="$dir" -- "$names"
done
for unit in $restarts; do
	: >"$state/restart/$unit"
done

if [ -n "$entries" ]; then
	new=$state/record.jsonl.new
	: >"$new"
	if [ -e "$state/record.jsonl" ]; then
		cat "$state/record.jsonl" >"$new"
	fi
	printf '%s' "$entries" >>"$new"
	sync "$new" # the record has to survive a power failure that the changes survive
	mv "$new" "$state/record.jsonl"
fi
