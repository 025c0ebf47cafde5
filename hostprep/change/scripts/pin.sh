# Pins images, so that the kubelet does not remove them when its disk is nearly full.
# Arguments:
#   references: names of the images, one per line
# shellcheck source=hostprep/remote/scripts/change_lock.sh
# shellcheck source=hostprep/change/scripts/state.sh
lock_shared
IFS='
'
set -f
for reference in $references; do
	ctr --connect-timeout 5s -n k8s.io images label "$reference" io.cri-containerd.pinned=pinned >/dev/null
done
