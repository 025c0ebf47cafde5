# Loads modules, sets sysctls, and reloads, enables, starts and restarts units.
# Arguments, lists with one item per line:
#   modules: kernel modules
#   sysctls: KEY=VALUE, the keys as paths below /proc/sys
#   reload: not empty if systemd has to read its units again
#   enable: units to enable
#   start: units to start
#   restart: units to restart
#   digests: "SHA256  PATH" of executables whose digest was verified
#   archives: names of stale image archives, to remove
# shellcheck source=hostprep/remote/scripts/change_lock.sh
# shellcheck source=hostprep/change/scripts/state.sh
lock_shared
IFS='
'
set -f
umask 022

unit_failed() {
	echo "$1 does not start; its last log lines:" >&2
	journalctl --no-pager --output=cat --lines=15 --unit="$1" >&2 || :
	exit 1
}

# The survey reuses these digests as long as inode, size and times of the file are the same.
for line in $digests; do
	path=${line#*  }
	known=$state/digests$path
	mkdir -p "${known%/*}"
	{ stat -c '%i %s %.9Y %.9Z' -- "$path"; printf '%s\n' "${line%%  *}"; } >"$known.new"
	mv "$known.new" "$known"
done
for archive in $archives; do
	rm -f -- "$state/images/$archive"
done
for module in $modules; do
	modprobe -- "$module"
done
for setting in $sysctls; do
	key=${setting%%=*}
	if ! printf '%s\n' "${setting#*=}" >"/proc/sys/$key"; then
		echo "cannot set the sysctl $key to ${setting#*=}" >&2
		exit 1
	fi
done
if [ -n "$reload" ]; then systemctl daemon-reload; fi
if [ -n "$enable" ]; then
	# shellcheck disable=SC2086 # one item per word
	systemctl enable --quiet -- $enable
fi
for unit in $start; do
	progress
	systemctl start -- "$unit" || unit_failed "$unit"
	rm -f "$state/restart/$unit"
done
for unit in $restart; do
	progress
	systemctl restart -- "$unit" || unit_failed "$unit"
	rm -f "$state/restart/$unit"
done
