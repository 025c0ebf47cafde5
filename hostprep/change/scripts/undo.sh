# undo IMAGES STOP DISABLE COPIES ABSENT FOLDERS START SYSCTLS: goes back to what there was. All are
# lists, one item a line, in the order in which they are dealt with: COPIES are NAME=PATH, SYSCTLS
# KEY=VALUE.
changing
images=$1 stop=$2 disable=$3 copies=$4 absent=$5 folders=$6 start=$7 sysctls=$8
PATH=$PATH:/usr/local/bin
IFS='
'
set -f

if [ -n "$images" ] && [ -S /run/containerd/containerd.sock ] && command -v ctr >/dev/null; then
	ctr --connect-timeout 5s -n k8s.io images rm --sync -- $images || echo 'some images stay' >&2
fi
for unit in $stop; do
	systemctl stop -- "$unit" || [ "$(systemctl show --property=LoadState --value -- "$unit")" = not-found ]
done
for unit in $disable; do
	systemctl disable --quiet -- "$unit" || [ "$(systemctl show --property=LoadState --value -- "$unit")" = not-found ]
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
for folder in $folders; do
	rmdir -- "$folder" || echo "$folder stays: there is something in it" >&2
done
if [ -n "$stop$disable$copies$absent" ]; then systemctl daemon-reload; fi
for unit in $start; do
	systemctl restart -- "$unit"
done
for setting in $sysctls; do
	if [ -e "/proc/sys/${setting%%=*}" ]; then
		printf '%s\n' "${setting#*=}" >"/proc/sys/${setting%%=*}"
	fi
done
