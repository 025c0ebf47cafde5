# Installs and removes packages with dnf and rpm.

install_packages() {
	dnf install --assumeyes --quiet -- "$@"
}

# rpm refuses to remove a package that another one needs. dnf would remove that one as well.
remove_package() {
	rpm --erase -- "$1"
}
