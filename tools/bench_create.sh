#!/usr/bin/env bash
# Measures create cluster on a lab of one control plane node and two workers, beside tools/least.sh on
# hosts as bare, and a second run that finds nothing to do. As root; no lab may be up.
set -euo pipefail
cd "$(dirname "$0")/.."

workspaces=$(mktemp -d)
dualstrap=build/dualstrap
lab() { $dualstrap lab "$1" --name bench --workspace-dir "$workspaces" >/dev/null 2>&1; }
finish() {
	lab down
	rm -rf "$workspaces"
}
trap finish EXIT

create() { $dualstrap create cluster -f "$workspaces/bench/cluster.yaml" --bundle build/bundle --workspace-dir "$workspaces" "$@" 2>/dev/null; }
seconds() {
	local begun=$EPOCHREALTIME
	"$@" >"$workspaces/out"
	awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.1f", b - a}'
}

lab up
made=$(seconds create)
grep -A20 '^HOST' "$workspaces/out"
again=$(seconds create)
lab down
lab up
least=$(seconds tools/least.sh "$workspaces/bench" build/bundle)
awk -v made="$made" -v again="$again" -v least="$least" 'BEGIN {
	printf "create cluster, 1 + 2 hosts: %s s; the least by hand: %s s; ratio %.2f; a second run: %s s\n", made, least, made / least, again
}'
