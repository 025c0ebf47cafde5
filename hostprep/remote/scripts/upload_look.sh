# Reports how much of an upload is on the host.
# Arguments:
#   path: path of the file
#   digest: its SHA-256 in hexadecimal
#   kind: its type and mode, st_mode in hexadecimal
#   owner: USER:GROUP
#   partial: path of the partial upload
# Answers: done, when the file is as desired; otherwise partial: size and digest of what an earlier upload left.
if [ -d "$path" ] && [ ! -L "$path" ]; then
	echo "$path is a directory"
	exit 1
fi
progress 300 # the file may be large and the disk slow
digest_of() { sha256sum <"$1" | cut -d ' ' -f 1; }
if [ -f "$path" ]; then
	case $(stat -c '%f %U:%G:%f %u:%g' -- "$path") in
	"$kind $owner":* | *:"$kind $owner")
		if [ "$(digest_of "$path")" = "$digest" ]; then
			answer done :
			exit 0
		fi
		;;
	esac
fi
if [ -f "$partial" ] && [ ! -L "$partial" ]; then
	answer partial echo "$(stat -c %s -- "$partial") $(digest_of "$partial")"
fi
