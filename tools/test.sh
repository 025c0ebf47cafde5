#!/usr/bin/env bash
# Runs all tests: those that need nothing, with the race detector; fuzzing; and those on real programs and hosts. It ends
# with the packages that took longest, and with how many packages passed and failed.
# usage: tools/test.sh FUZZTIME, as in 5s
set -euo pipefail
cd "$(dirname "$0")/.."

fuzztime=${1:?usage: tools/test.sh FUZZTIME, as in 5s}
mkdir -p build
log=build/test.txt

# Each part begins with a line that the table at the end takes the part's name from.
part() {
	echo "== $1"
	shift
	"$@"
}
# Packages in which nothing runs concurrently do not need the race detector, with which they take five times as long.
sequential='^github.com/dualstrap/dualstrap($|/(allocator|api|render|tools)($|/))'
# shellcheck disable=SC2046,SC2317,SC2329 # names of packages have no spaces; part calls it
unit() {
	(
		failed=0
		go test -race -parallel 8 -json $(go list ./... | grep -vE "$sequential") || failed=1
		go test -json $(go list ./... | grep -E "$sequential") || failed=1
		exit "$failed"
	) | go run ./tools/hostile
}

all() {
	part unit unit && part fuzz tools/fuzz.sh "$fuzztime" ./... && part integration tools/integration.sh
}

status=0
all 2>&1 | tee "$log" || status=$? # what failed is said above the table

awk -F '\t+' '
	/^== / { part = substr($0, 4) }
	/^(ok  |FAIL)\t/ && $3 ~ /^[0-9.]+s/ { printf "%9.1f s  %-12s %s\n", $3, part, $2 }
' "$log" | sort -rn | awk 'NR == 1 { print "the ten slowest packages:" } NR <= 10' # head would end sort by a signal
awk '
	/^ok  \t/ { passed++ }
	/^FAIL\t/ { failed++ }
	END { printf "%d passed, %d failed\n", passed, failed }
' "$log"
exit "$status"
