#!/usr/bin/env bash
# Prints the benchmarks, after the machine they ran on. Numbers of two machines, or of a busy one, do
# not compare: quote ratios from one run.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "machine: $(uname -n), $(nproc) x $(awk -F ': ' '/^model name/ {print $2; exit}' /proc/cpuinfo), load $(cut -d' ' -f1-3 /proc/loadavg)"
go version
go test -run '^$' -bench . -benchmem ./agent ./allocator ./api/... ./render/...
go test -run '^$' -bench . -benchtime 3x ./cmd ./hostprep/...
if [[ -n ${DUALSTRAP_TOOLS:-} ]]; then # a real API server, and kube-controller-manager beside it
	go test -tags integration -run '^$' -bench . -benchtime 1x -timeout 30m ./controller
fi
if [[ $(id -u) == 0 ]]; then # hosts in a network of their own, and hosts in containers
	if ! command -v ansible >/dev/null; then
		echo "installing ansible, to compare with"
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ansible >/dev/null
	fi
	go test -tags integration -run '^$' -bench PodToPod -benchtime 50x ./agent
	go test -tags integration -run '^$' -bench Fleet -benchtime 3x ./cmd
	tools/bench_create.sh
fi
