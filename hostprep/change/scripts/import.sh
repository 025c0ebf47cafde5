# import FILE REFERENCE DIGEST: imports an image from an archive, verifies its digest, and removes the archive.
lock_shared
PATH=$PATH:/usr/local/bin
progress 600 # it unpacks hundreds of megabytes
ctr -n k8s.io images import "$1"
progress
found=$(ctr -n k8s.io images ls | while read -r name _ digest _; do
	if [ "$name" = "$2" ]; then printf '%s' "$digest"; fi
done)
if [ "$found" != "$3" ]; then
	echo "after the import, $2 has the digest ${found:-none}, not $3" >&2
	exit 1
fi
rm -f "$1"
