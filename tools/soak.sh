#!/usr/bin/env bash
# Runs the long tests, as root: series of runs that are killed at random moments, on real hosts, and the controller with
# thousands of nodes. It ends with a table of the tests, and with how many passed and failed.
# usage: tools/soak.sh [SEED]
# The series of a seed is always the same, but what a kill meets depends on the machine.
set -euo pipefail
cd "$(dirname "$0")/.."

seed=${1:-1}
log=build/soak.txt
mkdir -p build
echo "seed: $seed"

# cmd: create, preparation and reset; change: single hosts; provision/keys: their rotation; controller: scale.
status=0
{
	DUALSTRAP_SOAK=$seed go test -tags integration -timeout 12h -v -p 1 \
		-run '^TestIntegration(CreateIsInterrupted|PreparationIsInterrupted|Reset|RotateIsKilledBetweenSteps|Host)$' \
		./cmd ./hostprep/change ./provision/keys || status=$?
	go test -tags integration -timeout 2h -run '^$' -bench . -benchtime 1x ./controller || status=$?
	exit "$status"
} 2>&1 | tee "$log" || status=$?

echo
echo "the tests, with seed $seed:"
awk '
	/^ *--- (PASS|FAIL|SKIP): / {
		depth = match($0, /-/) - 1
		if (depth > 4) next
		seconds = $NF; gsub(/[()s]/, "", seconds)
		name = $0; sub(/^ *--- [A-Z]+: /, "", name); sub(/ \([0-9.]+s\)$/, "", name)
		printf "%9.1f s  %-4s  %s\n", seconds, substr($0, depth + 5, 4), name
	}
	/^Benchmark/ { printf "%9.1f s  PASS  %s\n", $3 / 1e9, $1 }
' "$log"
awk '
	/^--- PASS: / { passed++ }
	/^--- FAIL: / { failed++ }
	END { printf "%d passed, %d failed\n", passed, failed }
' "$log"
exit "$status"
