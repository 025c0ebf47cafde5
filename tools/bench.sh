#!/usr/bin/env bash
# Runs the benchmarks and prints their results, after a description of the machine. Numbers of different machines, or of a
# busy machine, are not comparable: quote ratios from a single run.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "machine: $(uname -n), $(nproc) x $(awk -F ': ' '/^model name/ {print $2; exit}' /proc/cpuinfo), load $(cut -d' ' -f1-3 /proc/loadavg)"
go version
go test -run '^$' -bench . -benchmem ./agent ./allocator ./api/... ./render/...
go test -run '^$' -bench . -benchtime 3x ./cmd ./hostprep/...
if [[ -n ${DUALSTRAP_TOOLS:-} ]]; then # with a real API server and kube-controller-manager
	go test -tags integration -run '^$' -bench . -benchtime 1x -timeout 30m ./controller
fi
if [[ $(id -u) == 0 ]]; then # with hosts in network namespaces and in containers
	if ! command -v ansible >/dev/null; then
		echo "installing ansible, to compare with"
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ansible >/dev/null
	fi
	go test -tags integration -run '^$' -bench PodToPod -benchtime 50x ./agent
	go test -tags integration -run '^$' -bench Fleet -benchtime 3x ./cmd
	tools/bench_create.sh
fi
