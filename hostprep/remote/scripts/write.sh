# Brings files up to date.
# Arguments: a manifest with a line "DIGEST TYPE+MODE MODE OWNER OFFSET SIZE PATH" for each file, then the paths.
# Standard input: the gzip of all contents, one after the other. Answers: changed, a path per line.
umask 077
manifest=$1
shift
nl='
'

# What is there, asked with two processes and not with two for each file.
for path do
	shift
	if [ -f "$path" ]; then set -- "$@" "$path"; fi
done
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
# Files may be secret: what is kept of them for a moment is in memory, where it can be.
if [ -w /run ]; then work=$(mktemp -d -p /run dualstrap-write.XXXXXXXXXX); else work=$(mktemp -d); fi
gzip -dc >"$work/contents"

lock_shared
trap 'rm -rf "$work"; clean "$@"' EXIT
clean "$@" # after a run that could not

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
# From here on nothing is expected to fail.
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
