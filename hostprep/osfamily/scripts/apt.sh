# Installs and removes packages with apt-get and dpkg.

install_packages() {
	export DEBIAN_FRONTEND=noninteractive
	dpkg --configure --pending # an earlier installation may have been interrupted
	# The package lists are only updated when they are missing or outdated: updating takes long, and offline hosts
	# may have the packages already.
	apt_install "$@" || { apt-get update --quiet && apt_install "$@"; }
}

# With the lock timeout, apt-get waits for another run, such as unattended upgrades, instead of failing at once.
apt_install() {
	apt-get install --yes --quiet --no-install-recommends -o DPkg::Lock::Timeout=120 -- "$@"
}

# dpkg refuses to remove a package that another one needs.
remove_package() {
	dpkg --remove -- "$1"
}
