#!/usr/bin/env bash
# Runs the tests on real hosts and clusters, in two lanes beside each other: they mostly wait. Each test is in one of them.
set -euo pipefail
cd "$(dirname "$0")/.."

# What the second lane runs; all others are the first's. Both take about as long.
second='^TestIntegration(Cluster|HighAvailability|NewestRelease|PoolsAndFlatIPv4|Reset)$'
run=(go test -tags integration -timeout 85m)

mkdir -p build
output=build/integration-second.txt
set -m # a process group of its own, to end it as a whole
DUALSTRAP_TEST_LAB=second "${run[@]}" -run "$second" ./cmd >"$output" 2>&1 &
lane=$!
trap 'kill -- "-$lane" 2>/dev/null || true' EXIT
set +m

failed=0
"${run[@]}" -p 1 -skip "$second" ./... || failed=1
wait "$lane" || failed=1
cat "$output"
exit "$failed"
