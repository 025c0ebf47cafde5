#!/usr/bin/env bash
# Measures create cluster on a lab of one control plane node and two workers, a second run with nothing to do, the proof,
# and tools/baseline.sh on the same bare hosts; then create cluster with one worker and with five. Requires root, and no
# lab may be up.
set -euo pipefail
cd "$(dirname "$0")/.."

workspaces=$(mktemp -d)
dualstrap=build/dualstrap
lab() {
	local verb=$1
	shift
	$dualstrap lab "$verb" --name bench --workspace-dir "$workspaces" "$@" >/dev/null 2>&1
}
finish() {
	lab down
	rm -rf "$workspaces"
}
trap finish EXIT

create() {
	$dualstrap create cluster -f "$workspaces/bench/cluster.yaml" --bundle build/bundle --workspace-dir "$workspaces" --skip-verify 2>/dev/null
}
prove() { $dualstrap check cluster -f "$workspaces/bench/cluster.yaml" --bundle build/bundle 2>/dev/null; }
# seconds COMMAND...: prints how long a command takes. The command's output is in $workspaces/out.
seconds() {
	local begun=$EPOCHREALTIME
	"$@" >"$workspaces/out"
	awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.1f", b - a}'
}

lab up
made=$(seconds create)
grep -A20 '^HOST' "$workspaces/out"
again=$(seconds create)
proven=$(seconds prove)
lab down
lab up
minimal=$(seconds tools/baseline.sh "$workspaces/bench" build/bundle)
lab down
lab up --workers 1
one=$(seconds create)
lab down
lab up --workers 5
five=$(seconds create)
awk -v made="$made" -v again="$again" -v minimal="$minimal" -v proven="$proven" -v one="$one" -v five="$five" 'BEGIN {
	printf "create cluster, 1 + 2 hosts: %s s; a minimal kubeadm script: %s s; ratio %.2f\n", made, minimal, made / minimal
	printf "a second run: %s s; the proof: %s s\n", again, proven
	printf "with one worker: %s s; with five: %s s; ratio %.2f\n", one, five, five / one
}'
