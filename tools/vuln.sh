#!/usr/bin/env bash
# Looks for published vulnerabilities in dualstrap's own module, and in every pin, that is, in everything bundles are built
# from. Exit status: 0 if none is known, 1 if some are, 2 if the scan failed.
#
#   tools/vuln.sh GOVULNCHECK
#
# GOVULNDB is the URL of the database, by default https://vuln.go.dev. It may be a local copy: file:///srv/vulndb.
set -euo pipefail
cd "$(dirname "$0")/.."

govulncheck=${1:?usage: tools/vuln.sh GOVULNCHECK}
database=${GOVULNDB:-https://vuln.go.dev}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export GOFLAGS=-mod=readonly GOWORK=off

vulnerable=() failed=() scanned=0

# scan NAME DIRECTORY TAGS PACKAGE...: looks for vulnerable functions that can be called from the packages. It records the
# name in vulnerable or failed.
scan() {
	local name=$1 directory=$2 tags=$3 status=0
	shift 3
	echo "== $name"
	"$govulncheck" -C "$directory" -db "$database" -tags "$tags" "$@" >"$scratch/out" 2>&1 || status=$?
	cat "$scratch/out"
	case $status in
	0) scanned=$((scanned + 1)) ;;
	3) scanned=$((scanned + 1)) vulnerable+=("$name") ;;
	*) failed+=("$name") ;;
	esac
}

# Scan an almost empty module first: it shows at once whether the database can be read. Kubernetes takes minutes to do so.
mkdir "$scratch/probe"
printf 'module probe\n\ngo 1.26\n' >"$scratch/probe/go.mod"
printf 'package probe\n' >"$scratch/probe/probe.go"
if ! "$govulncheck" -C "$scratch/probe" -db "$database" . >"$scratch/out" 2>&1; then
	cat "$scratch/out" >&2
	echo "The database of vulnerabilities, $database, cannot be read: nothing was scanned." >&2
	echo "Run it where there is a network, or name a copy: GOVULNDB=file:///srv/vulndb make vuln" >&2
	exit 2
fi

scan dualstrap . '' ./...
for pin in bundle/build/pins/*; do
	name=${pin##*/}
	mkdir "$scratch/$name"
	cp "$pin/mod" "$scratch/$name/go.mod"
	cp "$pin/sum" "$scratch/$name/go.sum"
	tags=
	if [[ $name == runc-* ]]; then tags=seccomp,osusergo,netgo; fi # as in bundle/build/components.go
	mapfile -t packages < <(go -C "$scratch/$name" list tool)
	if ((${#packages[@]} == 0)); then
		failed+=("$name")
		continue
	fi
	scan "$name" "$scratch/$name" "$tags" "${packages[@]}"
done

echo
if ((${#failed[@]})); then
	echo "not scanned: ${failed[*]}" >&2
	exit 2
fi
if ((${#vulnerable[@]})); then
	echo "of $scanned modules these have published vulnerabilities: ${vulnerable[*]}" >&2
	exit 1
fi
echo "none of $scanned modules has a published vulnerability that can be called"
