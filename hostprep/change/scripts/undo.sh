# Restores the previous state.
# Arguments, lists with one item per line, in the order in which they are processed:
#   images: images to remove
#   stop: units to stop
#   disable: units to disable
#   gone: directories that did not exist
#   copied: NAME=PATH of directories that existed, and of which there is a copy
#   named: NAME=PATH of directories that existed, and of which there is a list of the names of their entries
#   copies: NAME=PATH of files that existed
#   absent: files that did not exist
#   dirs: directories that were created for files
#   start: units to start
#   sysctls: KEY=VALUE, the keys as paths below /proc/sys
#   tables: the nftables tables that existed, after a line "known"; empty if they are not known
# shellcheck source=hostprep/remote/scripts/change_lock.sh
# shellcheck source=hostprep/change/scripts/state.sh
# shellcheck source=hostprep/change/scripts/undo_lock.sh
lock_shared
IFS='
'
set -f

# drop PATH: unmounts everything at and below a path and removes it. A busy mount is detached lazily, and rm does
# not descend into other file systems, so that nothing on them is deleted.
drop() {
	# shellcheck disable=SC2013 # IFS makes every line one word
	for mounted in $(awk -v at="$1" '$5 == at || index($5, at "/") == 1 { print $5 }' /proc/self/mountinfo | sort -r); do
		mounted=$(printf '%b' "$mounted") # mountinfo has octal escapes for spaces and other characters
		umount -- "$mounted" || umount --lazy -- "$mounted"
	done
	rm -rf --one-file-system -- "$1"
}

# unbind PATH: unmounts a directory that is mounted on itself, as the kubelet does with its own where mounts are private. A
# file system of its own stays.
unbind() {
	awk -v at="$1" '
		$5 == at { device = $3; root = $4; mounted = 1 }
		$5 != at && index(at "/", ($5 == "/" ? "" : $5) "/") == 1 && length($5) >= length(above) { above = $5; beside = $3; base = $4 }
		END {
			sub("^/$", "", above)
			sub("^/$", "", base)
			exit !(mounted && device == beside && root == base substr(at, length(above) + 1))
		}
	' /proc/self/mountinfo || return 0
	umount -- "$1" || umount --lazy -- "$1"
}

if [ -n "$images" ] && [ -S /run/containerd/containerd.sock ] && command -v ctr >/dev/null; then
	# shellcheck disable=SC2086 # one item per word
	ctr --connect-timeout 5s -n k8s.io images rm --sync -- $images || echo 'some images stay' >&2
fi
# A unit that does not exist any more, after an interrupted undo, is stopped and disabled already.
for unit in $stop; do
	progress
	systemctl stop -- "$unit" || [ "$(systemctl show --property=LoadState --value -- "$unit")" = not-found ]
done
for unit in $disable; do
	systemctl disable --quiet -- "$unit" || [ "$(systemctl show --property=LoadState --value -- "$unit")" = not-found ]
done
for path in $gone; do
	progress
	drop "$path"
done
for tree in $copied; do
	progress
	path=${tree#*=} copy=$state/${tree%%=*}
	mkdir -p "$path"
	unbind "$path"
	# shellcheck disable=SC2045 # IFS makes every name one word, and globbing is off
	for name in $(ls -A -- "$path"); do
		[ -e "$copy/$name" ] || [ -L "$copy/$name" ] || drop "$path/$name"
	done
	# shellcheck disable=SC2045 # IFS makes every name one word, and globbing is off
	for name in $(ls -A -- "$copy"); do
		# The copy takes the place of the present entry only when it is complete.
		cp -a --reflink=auto -- "$copy/$name" "$path/.dualstrap-undo"
		drop "$path/$name"
		mv -T -- "$path/.dualstrap-undo" "$path/$name"
	done
	chmod --reference="$copy" -- "$path"
	chown --reference="$copy" -- "$path"
done
for tree in $named; do
	progress
	path=${tree#*=} names=$state/${tree%%=*}
	[ -d "$path" ] || continue
	# shellcheck disable=SC2045 # IFS makes every name one word, and globbing is off
	for name in $(ls -A -- "$path"); do
		grep -qxF -- "$name" "$names/list" || drop "$path/$name"
	done
	chmod --reference="$names" -- "$path"
	chown --reference="$names" -- "$path"
done
for copy in $copies; do
	path=${copy#*=}
	new=${path%/*}/.${path##*/}.dualstrap-undo
	rm -rf "$new"
	cp -a --reflink=auto -- "$state/${copy%%=*}" "$new"
	mv -fT -- "$new" "$path"
	rm -f "$state/digests$path"
done
for path in $absent; do
	rm -f -- "$path" "$state/digests$path"
done
for dir in $dirs; do
	[ ! -d "$dir" ] || rmdir -- "$dir" || echo "$dir stays: it is not empty" >&2
done
if [ -n "$stop$disable$copies$absent" ]; then
	systemctl daemon-reload
	# systemd lists a failed unit even after its file is gone.
	for unit in $stop; do
		systemctl reset-failed -- "$unit" 2>/dev/null || :
	done
fi
for unit in $start; do
	progress
	systemctl restart -- "$unit"
done
for setting in $sysctls; do
	file=/proc/sys/${setting%%=*} value=${setting#*=}
	if [ ! -e "$file" ] || [ "$(cat "$file")" = "$value" ]; then
		continue
	elif [ -w "$file" ]; then
		printf '%s\n' "$value" >"$file"
	else
		# A container shares the setting with its machine.
		echo "$file stays as it is: this host may not set it" >&2
	fi
done
# is_empty TABLE: succeeds if an nftables table contains nothing but the built-in chains (upper case) that iptables
# creates, without rules and with policy accept.
is_empty() {
	IFS=' '
	# shellcheck disable=SC2086 # family and name
	nft list table $1 2>/dev/null | grep -vE '^(#|table |[[:space:]]*(chain [A-Z]+ \{|type .* policy accept;|\})?$)' >/dev/null && return 1
	return 0
}
if [ -n "$tables" ] && command -v nft >/dev/null; then
	for table in $(nft list tables | sed -n 's/^table //p'); do
		case "
$tables
" in
		*"
$table
"*) ;;
		*)
			if (is_empty "$table"); then
				# shellcheck disable=SC2086 # family and name
				(IFS=' ' && nft delete table $table)
			fi
			;;
		esac
	done
fi
