#!/usr/bin/env bash
# Runs the integration tests, on real hosts and clusters, in two lanes in parallel. Each test runs in one of the lanes. A
# third lane would not make it faster on two cores, which two lanes keep busy, and what waits for hosts would time out.
set -euo pipefail
cd "$(dirname "$0")/.."

# The tests of the second lane; the first runs all others. Both take about the same time.
second='^TestIntegration(Cluster|HighAvailability|NewestRelease|PoolsAndFlatIPv4|Reset)$'
run=(go test -tags integration -timeout 85m)

mkdir -p build
output=build/integration-second.txt
set -m # gives the second lane its own process group, so that it can be killed as a whole
DUALSTRAP_TEST_LAB=second "${run[@]}" -run "$second" ./cmd >"$output" 2>&1 &
lane=$!
trap 'kill -- "-$lane" 2>/dev/null || true' EXIT
set +m

failed=0
"${run[@]}" -p 1 -run '^TestIntegration' -skip "$second" ./... || failed=1
wait "$lane" || failed=1
cat "$output"
exit "$failed"
