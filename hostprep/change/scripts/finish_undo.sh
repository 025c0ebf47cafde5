# forget PACKAGES FILES ZONES LAST FOLDERS: removes packages that nothing else needs, files, firewalld's files
# of zones that say no more than those it brings, then what says whose the host is and the directories of that,
# and the record. It comes last.
lock_shared
IFS='
'
set -f
for package in $1; do
	progress
	if command -v dpkg >/dev/null; then
		dpkg --remove -- "$package" || echo "package $package stays" >&2
	else
		rpm --erase -- "$package" || echo "package $package stays" >&2
	fi
done
for file in $2; do
	rm -f -- "$file"
done
said() { sed -e 's/^[[:space:]]*//' -e '/^$/d' -- "$1" | sort; }
for zone in $3; do
	brought=/usr/lib/firewalld/zones/${zone##*/}
	if [ -f "$zone" ] && [ -f "$brought" ] && [ "$(said "$zone")" = "$(said "$brought")" ]; then
		rm -f -- "$zone"
	fi
	[ -e "$zone" ] || rm -f -- "$zone.old"
done
for file in $4; do
	rm -f -- "$file"
done
for dir in $5; do
	[ ! -d "$dir" ] || rmdir -- "$dir" || echo "$dir stays: there is something in it" >&2
done
rm -f -- "$lock" # of lock_shared: this is the last change
# Without its record nothing says what the rest is for.
rm -f "$state/record.jsonl"
rm -rf "$state/before" "$state/restart" "$state/digests" "$state/images" "$state/put-back" "$state/put-back.new" "$state/record.jsonl.new"
rmdir "$state" || echo "$state stays: there is something in it" >&2
