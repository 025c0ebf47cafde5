# Imports an image from an archive, verifies its digest, pins it, and removes the archive.
# Arguments:
#   archive: path of the archive
#   reference: name of the image
#   digest: its digest, as in sha256:...
# shellcheck source=hostprep/remote/scripts/change_lock.sh
# shellcheck source=hostprep/change/scripts/state.sh
lock_shared
progress 600 # it unpacks hundreds of megabytes
ctr -n k8s.io images import "$archive"
progress
found=$(ctr -n k8s.io images ls | while read -r name _ imported _; do
	if [ "$name" = "$reference" ]; then printf '%s' "$imported"; fi
done)
if [ "$found" != "$digest" ]; then
	echo "after the import, $reference has the digest ${found:-none}, not $digest" >&2
	exit 1
fi
# The kubelet removes unused images when its disk is nearly full, unless they are pinned.
ctr -n k8s.io images label "$reference" io.cri-containerd.pinned=pinned >/dev/null
rm -f "$archive"
