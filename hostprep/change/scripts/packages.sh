# packages MANAGER PACKAGES PROGRAMS: installs packages, so that the programs are there.
lock_shared
packages=$2 programs=$3
IFS='
'
set -f

# Package managers have time-outs of their own for each try, and large indexes to read.
progress 1800
apt_install() {
	apt-get install --yes --quiet --no-install-recommends -o DPkg::Lock::Timeout=120 -- $packages
}

case $1 in
apt-get)
	export DEBIAN_FRONTEND=noninteractive
	dpkg --configure --pending # an installation that was cut off
	apt_install || { apt-get update --quiet && apt_install; }
	;;
dnf) dnf install --assumeyes --quiet -- $packages ;;
*)
	echo 'there is neither apt-get nor dnf' >&2
	exit 1
	;;
esac
for program in $programs; do
	if ! command -v "$program" >/dev/null; then
		echo "$program is still missing" >&2
		exit 1
	fi
done
