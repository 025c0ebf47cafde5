# Stands in for the package manager of a distribution on which dualstrap does not install packages.

install_packages() {
	echo "dualstrap does not install packages on this distribution: $*" >&2
	return 1
}

remove_package() {
	echo "dualstrap does not remove packages on this distribution: $*" >&2
	return 1
}
