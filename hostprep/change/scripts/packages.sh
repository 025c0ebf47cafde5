# Installs packages, and verifies that their programs exist afterwards.
# Arguments:
#   packages: names of packages, one per line
#   programs: names of programs, one per line
# shellcheck source=hostprep/remote/scripts/change_lock.sh
# shellcheck source=hostprep/change/scripts/state.sh
# shellcheck source=hostprep/osfamily/scripts/apt.sh
lock_shared
IFS='
'
set -f

# Package managers have timeouts of their own for each attempt, and large indexes to read.
progress 1800
# shellcheck disable=SC2086 # one item per word
with_proxies install_packages $packages
for program in $programs; do
	if ! command -v "$program" >/dev/null; then
		echo "$program is still missing" >&2
		exit 1
	fi
done
