# Reads the state of everything that may have to change.
# Arguments, lists with one item per line:
#   files: paths of all files, including executables
#   contents: "SHA256  PATH" of files whose content is printed unless it has this digest
#   hashed: paths of executables and secrets, of which only digests are printed
#   keys: sysctls, as paths below /proc/sys
#   modules: kernel modules
#   units: systemd units
#   programs: names of programs
#   zones: firewalld's zones
#   policies: firewalld's policies
#   firewalld: not empty if firewalld is to be read
# shellcheck source=hostprep/remote/scripts/change_lock.sh
# shellcheck source=hostprep/change/scripts/state.sh
# shellcheck source=hostprep/change/scripts/firewalld_read.sh

IFS='
'
set -f

stats() {
	# A path that does not exist has no line.
	# shellcheck disable=SC2086 # one item per word
	stat -c '%a|%u|%g|%U|%G|%F|%n' -- $files 2>/dev/null || :
}

# sums prints the digests of the files in $contents, without the digest and two spaces that precede each path.
sums() {
	# shellcheck disable=SC2046,SC2086 # one item per word
	sha256sum -- $(printf '%s\n' $contents | cut -c 67-) 2>/dev/null || :
}

# digests prints the digests of the files in $hashed. Hashing hundreds of megabytes takes seconds, so a digest that
# was verified before is reused as long as the file's inode, size and times are unchanged.
digests() {
	for path in $hashed; do
		{ [ -f "$path" ] && [ ! -L "$path" ]; } || continue
		known='' sum=''
		if [ -r "$state/digests$path" ]; then
			{ read -r known; read -r sum; } <"$state/digests$path" || :
		fi
		if [ "$known" = "$(stat -c '%i %s %.9Y %.9Z' -- "$path")" ]; then
			printf '%s  %s\n' "$sum" "$path"
		else
			sha256sum -- "$path"
		fi
	done
}

# missing_dirs prints the parent directories that have to be created for the files.
missing_dirs() {
	for path in $files; do
		dir=${path%/*}
		while [ -n "$dir" ] && [ ! -e "$dir" ]; do
			printf '%s\n' "$dir"
			dir=${dir%/*}
		done
	done
}

# show_differing SUMS: prints the content of each file in $contents whose line is not in SUMS. It prints one byte
# more than a diff shows, so that a longer file is recognized.
show_differing() {
	count=0
	for line in $contents; do
		count=$((count + 1))
		path=${line#*  }
		case "
$1
" in
		*"
$line
"*) continue ;;
		esac
		if [ -f "$path" ]; then
			answer "content.$count" head -c 262145 -- "$path"
		fi
	done
}

# The shell's own read is of no use here: it reads one byte at a time, and these files return their full value to
# the first read only.
sysctls() {
	# shellcheck disable=SC2086 # one item per word
	(cd /proc/sys && grep -Hs '' -- $keys) || :
}

# loadable prints the modules that are not loaded and can be. Without a module tree for the running kernel nothing
# can be loaded: the kernel has no modules, or it belongs to the machine that this container runs on.
loadable() {
	[ -d "/lib/modules/$(uname -r)" ] || return 0
	for module in $modules; do
		[ -d "/sys/module/$module" ] && continue
		case $(modprobe --show-depends "$module" 2>/dev/null || :) in
		builtin*) ;;
		*) printf '%s\n' "$module" ;;
		esac
	done
}

missing_programs() {
	for program in $programs; do
		command -v "$program" >/dev/null || printf '%s\n' "$program"
	done
}

images() {
	{ [ -S /run/containerd/containerd.sock ] && command -v ctr >/dev/null; } || return 0
	ctr --connect-timeout 5s --timeout 30s -n k8s.io images ls
}

tables() {
	tables_listed=$(nft list tables) && printf '%s\n' "$tables_listed" | sed -n 's/^table //p'
}

wait_unlocked
if [ -n "$files" ]; then
	answer stat stats
	answer dirs missing_dirs
fi
if [ -n "$contents" ]; then
	known_sums=$(sums)
	answer sums printf '%s\n' "$known_sums"
	show_differing "$known_sums"
fi
progress 300 # hashing
answer digests digests
progress
if [ -n "$keys" ]; then
	answer sysctls sysctls
fi
answer loadable loadable
if [ -n "$units" ]; then
	# shellcheck disable=SC2086 # one item per word
	answer units systemctl show --no-pager --property=Id,UnitFileState,ActiveState,NeedDaemonReload -- $units
fi
answer programs missing_programs
answer images images
if command -v nft >/dev/null; then
	answer tables tables
fi
if [ -r "$state/record.jsonl" ]; then
	answer record cat "$state/record.jsonl"
fi
if [ -d "$state/images" ]; then
	answer archives ls -A "$state/images"
fi
if [ -d "$state/restart" ]; then
	answer restart ls "$state/restart"
fi
if [ -r "$state/put-back" ]; then
	{
		# Runtime settings do not survive a reboot, so those saved before one must not be restored.
		read -r boot
		if [ "$boot" = "$(cat /proc/sys/kernel/random/boot_id)" ]; then
			answer put-back cat
		fi
	} <"$state/put-back"
fi
if [ -n "$firewalld" ]; then
	firewalld_read "$zones" "$policies"
fi
