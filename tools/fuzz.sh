#!/usr/bin/env bash
# Runs every fuzz target of packages for the given time each.
set -euo pipefail
cd "$(dirname "$0")/.."

fuzztime=${1:?usage: tools/fuzz.sh TIME PACKAGE..., as in 30s ./api/...}
shift

go list -f '{{.Dir}} {{.ImportPath}} {{join .TestGoFiles ","}},{{join .XTestGoFiles ","}}' "$@" |
	while read -r dir package files; do
		# Reading the files is much quicker than asking every test binary.
		targets=$(cd "$dir" && tr ',' '\n' <<<"$files" | xargs -r grep -hoP '^func \KFuzz\w+(?=\(\w+ \*testing\.F\))' || true)
		for target in $targets; do
			echo "fuzzing $package $target for $fuzztime"
			# Making an input that is only interesting smaller may take a minute by default, and the whole time with it.
			go test -run '^$' -fuzz "^$target\$" -fuzztime "$fuzztime" -fuzzminimizetime 1s "$package" </dev/null
		done
	done
