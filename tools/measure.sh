#!/usr/bin/env bash
# Prints how the code is built: sizes, complexity, comments, tests, packages. Given directories, it measures those side by
# side: tools/measure.sh ../before .
set -euo pipefail
tool=$(dirname "$0")/measure
trees=("${@:-.}")
for i in "${!trees[@]}"; do trees[i]=$(realpath "${trees[i]}"); done
cd "$tool" && exec go run . "${trees[@]}"
