#!/usr/bin/env bash
# Runs every fuzz target of the given packages, each for the given time.
set -euo pipefail
cd "$(dirname "$0")/.."

fuzztime=${1:?usage: tools/fuzz.sh TIME PACKAGE..., as in 30s ./api/...}
shift

cache=$(go env GOCACHE)/fuzz
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT

# fuzz DIRECTORY PACKAGE TARGET PROGRAM: fuzzes a target, and interrupts it, as with Ctrl-C, when its time is over. With
# -test.fuzztime, Go before 1.27 sometimes reports its own deadline as a failure (https://go.dev/issue/75804). A failing
# input ends fuzzing earlier, with the exit status of the program.
fuzz() {
	local directory=$1 package=$2 target=$3 program=$4
	echo "fuzzing $package $target for $fuzztime"
	# Only the program gets the signal (--foreground): if its workers got it, too, the program would report their current
	# input as a failure. Minimizing an input that is merely interesting may take up to a minute by default, which could
	# use up all the time, so it is limited to a second.
	(cd "$directory" && timeout --foreground --preserve-status --signal=INT --kill-after=60s "$fuzztime" "$program" \
		-test.run '^$' -test.fuzz "^$target\$" -test.fuzzminimizetime 1s -test.fuzzcachedir "$cache/$package" </dev/null)
}

go list -f '{{.Dir}} {{.ImportPath}} {{join .TestGoFiles ","}},{{join .XTestGoFiles ","}}' "$@" |
	while read -r directory package files; do
		# Searching the files is much faster than building and running a test binary for each package.
		targets=$(cd "$directory" && tr ',' '\n' <<<"$files" | { xargs -r grep -hoP '^func \KFuzz\w+(?=\(\w+ \*testing\.F\))' || true; })
		[[ -n $targets ]] || continue
		program=$programs/${package##*/}.test
		go test -c -fuzz . -o "$program" "$package"
		for target in $targets; do
			fuzz "$directory" "$package" "$target" "$program"
		done
	done
