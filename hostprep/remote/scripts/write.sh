# Makes files match their desired content, mode and owner.
# Arguments:
#   manifest: a line "DIGEST TYPE+MODE MODE OWNER OFFSET SIZE PATH" for each file
# Standard input: the gzip of all contents, concatenated. Answers: changed, one path per line.
# shellcheck source=hostprep/remote/scripts/change_lock.sh
umask 077
nl='
'

# Query the existing files with two processes in all, instead of two for each file.
set --
set -f
IFS=$nl
for line in $manifest; do
	path=${line#* * * * * * }
	if [ -f "$path" ]; then set -- "$@" "$path"; fi
done
unset IFS
digests=
modes=
if [ $# -gt 0 ]; then
	digests=$nl$(sha256sum -- "$@")$nl
	modes=$nl$(stat -c "%f %U:%G %n${nl}%f %u:%g %n" -- "$@")$nl
fi
same() { # DIGEST TYPE+MODE OWNER PATH
	case $digests in *"$nl$1  $4$nl"*) ;; *) return 1 ;; esac
	case $modes in *"$nl$2 $3 $4$nl"*) ;; *) return 1 ;; esac
}
beside() { temporary=${1%/*}/.${1##*/}.dualstrap-new; }

set --
while read -r digest kind mode owner offset size path; do
	if same "$digest" "$kind" "$owner" "$path"; then continue; fi
	if [ -d "$path" ] && [ ! -L "$path" ]; then
		echo "$path is a directory"
		exit 1
	fi
	set -- "$@" "$path"
done <<END
$manifest
END
if [ $# -eq 0 ]; then exit 0; fi

clean() {
	for path do
		shift
		beside "$path"
		set -- "$@" "$temporary"
	done
	rm -f -- "$@"
}
work=
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT PIPE TERM
# Files may be secret: until they are in place, keep their content in memory (/run is a tmpfs) where possible.
if [ -w /run ]; then work=$(mktemp -d -p /run dualstrap-write.XXXXXXXXXX); else work=$(mktemp -d); fi
gzip -dc >"$work/contents"

lock_shared
trap 'rm -rf "$work"; clean "$@"' EXIT
clean "$@" # leftovers of an interrupted run

while read -r digest kind mode owner offset size path; do
	if same "$digest" "$kind" "$owner" "$path"; then continue; fi
	if [ ! -d "${path%/*}/" ]; then (umask 022 && mkdir -p -- "${path%/*}/"); fi
	beside "$path"
	dd if="$work/contents" of="$temporary" bs=65536 iflag=skip_bytes,count_bytes skip="$offset" count="$size" status=none
	chown -- "$owner" "$temporary"
	chmod -- "$mode" "$temporary"
	printf '%s  %s\n' "$digest" "$temporary" >>"$work/digests"
done <<END
$manifest
END
sha256sum --check --quiet "$work/digests"
progress

(
	for path do
		shift
		beside "$path"
		set -- "$@" "$temporary"
	done
	sync -- "$@"
)
# All content is on disk and verified. Nothing is expected to fail from here on.
for path do
	beside "$path"
	mv -fT -- "$temporary" "$path"
done
answer changed printf '%s\n' "$@"
for path do
	shift
	set -- "$@" "${path%/*}/"
done
sync -- "$@"
