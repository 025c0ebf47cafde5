#!/usr/bin/env bash
# Runs shellcheck on all scripts. Those of this machine are checked as they are. Those for hosts are checked together with
# what is put before them there: the functions of package remote, the arguments that the script's header declares, and the
# scripts that its header names as sources.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v shellcheck >/dev/null; then
	echo 'shellcheck is missing: apt-get install shellcheck' >&2
	exit 1
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# whole SCRIPT: prints a script that consists of a script for hosts, and of what is put before it.
whole() {
	local header source sources
	header=$(sed '/^#/!Q' "$1")
	cat <<-'END'
		set -eu
		# shellcheck disable=SC2317,SC2329 # many scripts do not call it
		answer() { shift; "$@"; }
		# shellcheck disable=SC2317,SC2329 # as above
		progress() { :; }
		# shellcheck disable=SC2317,SC2329 # as above
		with_proxies() { "$@"; }
	END
	sed -n "s/^#   \([a-z][a-z0-9_]*\): .*/\1=''/p" <<<"$header"
	sources=$(sed -n 's/^# shellcheck source=//p' <<<"$header")
	for source in $sources "$1"; do
		printf '# shellcheck source=%s\n. %s\n' "$source" "$source"
	done
}

# check FILE: runs shellcheck on a file if it is a script. Not all scripts have an extension, so the first line decides.
check() {
	local first=''
	IFS= read -r first <"$1" || :
	case $1:$first in
	*/scripts/*.sh:*)
		whole "$1" >"$scratch/script.sh"
		shellcheck --shell=sh --external-sources --check-sourced "$scratch/script.sh"
		;;
	*.tmpl:'#!'*sh*) sed 's/{{[^}]*}}/word/g' "$1" | shellcheck - ;;
	*:'#!'*sh*) shellcheck "$1" ;;
	esac
}

status=0
while IFS= read -r -d '' file; do
	check "${file#./}" || status=1
done < <(find . \( -path ./.git -o -path ./build -o -path ./dualstrap-workspace -o -name testdata \) -prune -o -type f -print0)
exit "$status"
