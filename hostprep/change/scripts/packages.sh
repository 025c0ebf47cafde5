# Installs packages, and verifies that their programs exist afterwards.
# Arguments:
#   manager: apt-get, dnf, or empty if the host has neither
#   packages: names of packages, one per line
#   programs: names of programs, one per line
# shellcheck source=hostprep/remote/scripts/change_lock.sh
# shellcheck source=hostprep/change/scripts/state.sh
lock_shared
IFS='
'
set -f

# Package managers have timeouts of their own for each attempt, and large indexes to read.
progress 1800
# With the lock timeout, apt-get waits for another run, such as unattended upgrades, instead of failing at once.
apt_install() {
	# shellcheck disable=SC2086 # one item per word
	apt-get install --yes --quiet --no-install-recommends -o DPkg::Lock::Timeout=120 -- $packages
}

case $manager in
apt-get)
	export DEBIAN_FRONTEND=noninteractive
	dpkg --configure --pending # an earlier installation may have been interrupted
	# The package lists are only updated when they are missing or outdated: updating takes long, and offline hosts
	# may have the packages already.
	apt_install || { apt-get update --quiet && apt_install; }
	;;
dnf)
	# shellcheck disable=SC2086 # one item per word
	dnf install --assumeyes --quiet -- $packages
	;;
*)
	echo 'the host has neither apt-get nor dnf' >&2
	exit 1
	;;
esac
for program in $programs; do
	if ! command -v "$program" >/dev/null; then
		echo "$program is still missing" >&2
		exit 1
	fi
done
