#!/bin/bash
# Makes the image of the lab's hosts: build.sh SUITE MIRROR PACKAGES OUTPUT < FILES, where FILES is a
# tar of what is put over the packages. It runs in mount and process namespaces of its own, so nothing
# of it outlives it, and builds in memory, because dpkg waits for the disk after every file.
set -euo pipefail
suite=$1 mirror=$2 packages=$3 output=$4

# Nothing of the outside is a process of this namespace.
mount -t proc proc /proc

step() { echo "step: $*"; }

work=$(dirname "$output")/root
mkdir -p "$work"
mount -t tmpfs -o mode=0755,dev,suid,exec lab-image "$work"
mkdir "$work/root"
root=$work/root

export DEBIAN_FRONTEND=noninteractive LC_ALL=C
debootstrap --variant=minbase --force-check-gpg --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
	--include="$packages" "$suite" "$root" "$mirror"

step 'finishing'
tar -x --no-same-owner -C "$root"

# Hosts share the machine's kernel, modules, consoles and disks: what would touch them stays off.
for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
	getty.target getty-static.service console-getty.service systemd-journald-audit.socket \
	proc-sys-fs-binfmt_misc.automount systemd-binfmt.service systemd-pstore.service \
	sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount \
	systemd-firstboot.service modprobe@.service; do
	ln -sfn /dev/null "$root/etc/systemd/system/$unit"
done
for settings in "$root"/usr/lib/sysctl.d/*.conf; do
	ln -sfn /dev/null "$root/etc/sysctl.d/$(basename "$settings")"
done

# udev would give every host the same MAC.
ln -sfn /dev/null "$root/etc/systemd/network/99-default.link"

systemctl --root="$root" --quiet enable ssh-host-keys.service systemd-networkd.service firewalld.service chrony.service
systemctl --root="$root" --quiet disable systemd-networkd-wait-online.service
systemctl --root="$root" --quiet set-default multi-user.target

# What must differ from host to host is made by the host, or was the machine's.
rm -f "$root"/etc/ssh/ssh_host_*_key* "$root/var/lib/dbus/machine-id" "$root/etc/hostname" "$root/etc/resolv.conf"
: >"$root/etc/machine-id"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb \
	"$root"/var/log/*.log "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/*

step 'packing'
tar -c --numeric-owner --one-file-system --xattrs --xattrs-include='security.capability' -C "$root" -f "$output" .
