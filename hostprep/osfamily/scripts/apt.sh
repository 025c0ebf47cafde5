# Installs and removes packages with apt-get and dpkg.

install_packages() {
	export DEBIAN_FRONTEND=noninteractive
	patiently dpkg --configure --pending # an earlier installation may have been interrupted
	# The package lists are only updated when they are missing or outdated: updating takes long, and offline hosts
	# may have the packages already.
	apt_install "$@" || { patiently apt-get update --quiet && apt_install "$@"; }
}

# patiently COMMAND...: runs a command, and tries again for two minutes as long as another program holds the lock that it
# needs, such as unattended upgrades. Of dpkg and apt-get, only apt-get install waits on its own.
patiently() {
	_attempts=60
	until _said=$("$@" 2>&1); do
		_attempts=$((_attempts - 1))
		case $_attempts:$_said in
		0:*) _attempts=0 ;;
		*'lock was locked by another process'* | *'Could not get lock'* | *'Unable to acquire the dpkg frontend lock'*) ;;
		*) _attempts=0 ;;
		esac
		if [ "$_attempts" = 0 ]; then
			printf '%s\n' "$_said" >&2
			return 1
		fi
		progress 60
		sleep 2
	done
	printf '%s\n' "$_said" >&2
}

# With the lock timeout, apt-get waits for another run, such as unattended upgrades, instead of failing at once.
apt_install() {
	apt-get install --yes --quiet --no-install-recommends -o DPkg::Lock::Timeout=120 -- "$@"
}

# dpkg refuses to remove a package that another one needs.
remove_package() {
	dpkg --remove -- "$1"
}
