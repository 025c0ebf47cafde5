#!/usr/bin/env bash
# Runs the integration tests, on real hosts and clusters, in three lanes in parallel, since they mostly wait. Each test runs
# in one of the lanes.
set -euo pipefail
cd "$(dirname "$0")/.."

# The tests of clusters that have a lane with others, and a lab. The last lane runs all other tests. The lanes take about the
# same time.
lanes=(
	'^TestIntegration(Cluster|HighAvailability)$'
	'^TestIntegration(CreateIsInterrupted|NewestRelease|PoolsAndFlatIPv4|Reset)$'
)
run=(go test -tags integration -timeout 85m)

mkdir -p build
started=()
# shellcheck disable=SC2317,SC2329 # the trap calls it
end() {
	for lane in "${started[@]}"; do
		kill -- "-$lane" 2>/dev/null || true
	done
}
trap end EXIT
set -m # gives each lane a process group of its own, so that it can be killed as a whole
for i in "${!lanes[@]}"; do
	DUALSTRAP_TEST_LAB=lane$i "${run[@]}" -run "${lanes[$i]}" ./cmd >"build/integration-$i.txt" 2>&1 &
	started+=($!)
done
set +m

failed=0
others=$(IFS='|' && echo "${lanes[*]}")
"${run[@]}" -p 1 -run '^TestIntegration' -skip "$others" ./... || failed=1
for lane in "${started[@]}"; do
	wait "$lane" || failed=1
done
cat build/integration-*.txt
exit "$failed"
