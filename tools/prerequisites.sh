#!/usr/bin/env bash
# Installs the missing Debian packages among those needed for building bundles and for the tests. On other systems it says
# what to install.
set -euo pipefail

packages=(
	debootstrap docker-registry firewalld fish gcc gnupg gpgv haproxy iproute2 keepalived libc6-dev libseccomp-dev nftables openssh-client openssh-server pkg-config
	podman procps runc shellcheck strace sudo systemd tcsh
)

if ! command -v go >/dev/null; then
	echo "Go 1.21 or later is missing: install it from https://go.dev/dl (it fetches the version this project needs)" >&2
	exit 1
fi
if ! command -v dpkg-query >/dev/null; then
	echo "not a Debian system: install ${packages[*]} with your package manager, if they are missing" >&2
	exit 0
fi

missing=()
for package in "${packages[@]}"; do
	if [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) != "install ok installed" ]]; then
		missing+=("$package")
	fi
done
if ((${#missing[@]} == 0)); then
	exit 0
fi
if ((EUID != 0)); then
	echo "missing packages, install them as root: apt-get install ${missing[*]}" >&2
	exit 1
fi

echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# Only the programs of the packages are needed: keep their services from starting (invoke-rc.d asks this file).
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
	trap 'rm -f "$policy"' EXIT
fi
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
