# Reports how much of an upload is on the host.
# Arguments: path, digest, type and mode, owner, partial file.
# Answers: done, when the file is as desired; otherwise partial: size and digest of what an earlier upload left.
if [ -d "$1" ] && [ ! -L "$1" ]; then
	echo "$1 is a directory"
	exit 1
fi
progress 300 # the file may be large and the disk slow
digest_of() { sha256sum <"$1" | cut -d ' ' -f 1; }
if [ -f "$1" ]; then
	case $(stat -c '%f %U:%G:%f %u:%g' -- "$1") in
	"$3 $4":* | *:"$3 $4")
		if [ "$(digest_of "$1")" = "$2" ]; then
			answer done :
			exit 0
		fi
		;;
	esac
fi
if [ -f "$5" ] && [ ! -L "$5" ]; then
	answer partial echo "$(stat -c %s -- "$5") $(digest_of "$5")"
fi
