# import FILE REFERENCE DIGEST: imports an image, and removes the archive when it is there.
lock_shared
PATH=$PATH:/usr/local/bin
progress 600 # it unpacks hundreds of megabytes
ctr -n k8s.io images import "$1"
progress
found=$(ctr -n k8s.io images ls | while read -r name _ digest _; do
	if [ "$name" = "$2" ]; then printf '%s' "$digest"; fi
done)
if [ "$found" != "$3" ]; then
	echo "the archive gives $2 the digest ${found:-of nothing}, not $3" >&2
	exit 1
fi
rm -f "$1"
