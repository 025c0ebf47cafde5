# Looks at all that may have to change. Every argument is a list, one item a line.
files=$1       # all, executables too
contents=$2    # "SHA256  PATH" of files to be shown where they are otherwise
hashed=$3      # executables and secrets
keys=$4        # sysctls, as paths
modules=$5
units=$6
programs=$7
zones=$8
policies=$9
firewalld=${10-}

PATH=$PATH:/usr/local/bin
IFS='
'
set -f

stats() {
	# What is missing has no line.
	stat -c '%a|%u|%g|%U|%G|%s|%F|%n' -- $files 2>/dev/null || :
}

sums() {
	sha256sum -- $(printf '%s\n' $contents | cut -c 67-) 2>/dev/null || :
}

# Hashing hundreds of megabytes takes seconds. A digest that was verified holds as long as nothing has
# touched the file, as its inode and its times tell.
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

# missing_dirs are those that have to be made for the files.
missing_dirs() {
	for path in $files; do
		dir=${path%/*}
		while [ -n "$dir" ] && [ ! -e "$dir" ]; do
			printf '%s\n' "$dir"
			dir=${dir%/*}
		done
	done
}

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

# The shell's own read asks for one byte at a time, which these files do not answer as they should.
sysctls() {
	(cd /proc/sys && grep -Hs '' -- $keys) || :
}

# loadable are modules that are not there and could be. Without a tree of modules the kernel has what
# it has: it is one without modules, or that of the machine a container is on.
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

package_manager() {
	for manager in apt-get dnf; do
		if command -v "$manager" >/dev/null; then
			printf '%s\n' "$manager"
			return 0
		fi
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
	answer units systemctl show --no-pager --property=Id,LoadState,UnitFileState,ActiveState,NeedDaemonReload -- $units
fi
answer programs missing_programs
answer manager package_manager
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
		# What was there until the host went down is of no more interest.
		read -r boot
		if [ "$boot" = "$(cat /proc/sys/kernel/random/boot_id)" ]; then
			answer put-back cat
		fi
	} <"$state/put-back"
fi
if [ -n "$firewalld" ]; then
	firewalld_read "$zones" "$policies"
fi
