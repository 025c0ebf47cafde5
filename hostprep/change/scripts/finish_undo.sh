# The last step of undoing: removes packages, files and the record.
# Arguments, lists with one item per line:
#   packages: packages to remove, unless another package needs them
#   files: files to remove
#   zones: files of firewalld's zones to remove if they are equivalent to those that firewalld ships
#   last: the files that mark the host as a node of its cluster, to remove after the others
#   dirs: directories of the last files, to remove if they are empty
# shellcheck source=hostprep/remote/scripts/change_lock.sh
# shellcheck source=hostprep/change/scripts/state.sh
# shellcheck source=hostprep/change/scripts/undo_lock.sh
# shellcheck source=hostprep/osfamily/scripts/apt.sh
lock_shared
IFS='
'
set -f
for package in $packages; do
	progress
	# A package that another one needs by now is not removed.
	remove_package "$package" || echo "package $package stays" >&2
done
for file in $files; do
	rm -f -- "$file"
done
# normalized FILE prints the lines of a zone's XML without indentation and in a fixed order: firewalld writes them
# in another order than the files that it ships.
normalized() { sed -e 's/^[[:space:]]*//' -e '/^$/d' -- "$1" | sort; }
for zone in $zones; do
	shipped=/usr/lib/firewalld/zones/${zone##*/}
	if [ -f "$zone" ] && [ -f "$shipped" ] && [ "$(normalized "$zone")" = "$(normalized "$shipped")" ]; then
		rm -f -- "$zone"
	fi
	[ -e "$zone" ] || rm -f -- "$zone.old"
done
for file in $last; do
	rm -f -- "$file"
done
for dir in $dirs; do
	[ ! -d "$dir" ] || rmdir -- "$dir" || echo "$dir stays: it is not empty" >&2
done
rm -f -- "$lock" # of lock_shared: this is the last change
# The record goes first: without it, an interrupted run only has to remove the rest of the directory.
rm -f "$state/record.jsonl"
rm -rf "$state/before" "$state/restart" "$state/digests" "$state/images" "$state/put-back" "$state/put-back.new" "$state/record.jsonl.new"
rmdir "$state" || echo "$state stays: it is not empty" >&2
