# Receives an upload and puts it in place.
# Arguments:
#   path: path of the file
#   digest: SHA-256 of its content in hexadecimal, after decompression
#   mode: its mode in octal
#   owner: USER:GROUP
#   partial: path of the partial upload
#   offset: number of bytes that the partial upload has already
#   size: length in bytes of all of what is sent, before decompression
#   form: gzip or plain
# Standard input: the content from the offset on. Exit status 65: the content on the host is not the expected one; it has
# been removed.
# shellcheck source=hostprep/remote/scripts/change_lock.sh
umask 077
dir=${path%/*}/
ready=${partial%.part}.new
(umask 022 && mkdir -p -- "$dir")

if [ "$offset" -eq 0 ]; then
	rm -f -- "$partial"
elif [ "$(stat -c %s -- "$partial")" -ne "$offset" ]; then
	rm -f -- "$partial"
	echo "$partial has changed meanwhile: what wrote it before was still at it"
	exit 65
fi
cat >>"$partial"
progress
received=$(stat -c %s -- "$partial")
if [ "$received" -lt "$size" ]; then
	echo "received $received of $size bytes"
	exit 1
fi

lock_shared
trap 'rm -f -- "$ready"' EXIT
trap 'exit 1' HUP INT PIPE TERM
rm -f -- "$ready"
if [ "$form" = gzip ]; then
	found=$(gzip -dc <"$partial" | tee -- "$ready" | sha256sum | cut -d ' ' -f 1)
else
	found=$(sha256sum <"$partial" | cut -d ' ' -f 1)
fi
progress
if [ "$found" != "$digest" ]; then
	rm -f -- "$partial"
	echo "what was sent has the digest $found, not $digest"
	exit 65
fi
if [ "$form" = plain ]; then mv -fT -- "$partial" "$ready"; fi
chown -- "$owner" "$ready"
chmod -- "$mode" "$ready"
progress
sync -- "$ready"
progress
mv -fT -- "$ready" "$path"
sync -- "$dir"
rm -f -- "$dir.${path##*/}".dualstrap-*.part
