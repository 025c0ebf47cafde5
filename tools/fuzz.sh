#!/usr/bin/env bash
# Runs every fuzz target of packages for the given time each.
set -euo pipefail
cd "$(dirname "$0")/.."

fuzztime=${1:?usage: tools/fuzz.sh TIME PACKAGE..., as in 30s ./api/...}
shift

cache=$(go env GOCACHE)/fuzz
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT

# Fuzzing is interrupted, as with Ctrl-C, when its time is over: with -test.fuzztime, Go before 1.27 now and then takes
# its own deadline for a failure (https://go.dev/issue/75804). An input that fails ends it earlier, with its own status.
fuzz() {
	local directory=$1 package=$2 target=$3 program=$4
	echo "fuzzing $package $target for $fuzztime"
	# The signal is for the program alone: workers that are hit by it, too, make it take their input for a failure.
	# Making an input that is only interesting smaller may take a minute by default, and the whole time with it.
	(cd "$directory" && timeout --foreground --preserve-status --signal=INT --kill-after=60s "$fuzztime" "$program" \
		-test.run '^$' -test.fuzz "^$target\$" -test.fuzzminimizetime 1s -test.fuzzcachedir "$cache/$package" </dev/null)
}

go list -f '{{.Dir}} {{.ImportPath}} {{join .TestGoFiles ","}},{{join .XTestGoFiles ","}}' "$@" |
	while read -r directory package files; do
		# Reading the files is much quicker than asking every test binary.
		targets=$(cd "$directory" && tr ',' '\n' <<<"$files" | xargs -r grep -hoP '^func \KFuzz\w+(?=\(\w+ \*testing\.F\))' || true)
		[[ -n $targets ]] || continue
		program=$programs/${package##*/}.test
		go test -c -fuzz . -o "$program" "$package"
		for target in $targets; do
			fuzz "$directory" "$package" "$target" "$program"
		done
	done
