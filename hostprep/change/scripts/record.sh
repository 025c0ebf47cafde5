# record COPIES ABSENT RESTARTS ENTRIES NAMED: keeps what is about to be changed. COPIES are lines
# NAME=PATH of files and directories that are there, ABSENT paths at which there is nothing, RESTARTS units
# that will have to be restarted. NAMED are NAME=PATH of directories of which it keeps the names of what is
# in them. The copies come first, so that what the record names is there.
lock_shared
IFS='
'
set -f
umask 077
mkdir -p "$state/before" "$state/restart"

for path in $2; do
	if [ -e "$path" ] || [ -L "$path" ]; then
		echo "$path was not there a moment ago: somebody else is changing this host; run again" >&2
		exit 1
	fi
done
for copy in $1; do
	name=${copy%%=*}
	[ -e "$state/$name" ] || [ -L "$state/$name" ] && continue
	progress
	rm -rf "$state/$name.new"
	cp -a --one-file-system --reflink=auto -- "${copy#*=}" "$state/$name.new"
	mv -T -- "$state/$name.new" "$state/$name"
done
for named in ${5-}; do
	dir=${named#*=} names=$state/${named%%=*}
	mkdir -p "$names"
	ls -A -- "$dir" >"$names/list"
	chmod --reference="$dir" -- "$names"
	chown --reference="$dir" -- "$names"
done
for unit in $3; do
	: >"$state/restart/$unit"
done

if [ -n "$4" ]; then
	new=$state/record.jsonl.new
	: >"$new"
	if [ -e "$state/record.jsonl" ]; then
		cat "$state/record.jsonl" >"$new"
	fi
	printf '%s' "$4" >>"$new"
	sync "$new"
	mv "$new" "$state/record.jsonl"
fi
