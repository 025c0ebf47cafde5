#!/usr/bin/env bash
# What a newcomer sees first: the example cluster, judged, planned and rendered.
set -euo pipefail
cd "$(dirname "$0")/.."

dualstrap=build/dualstrap
manifests=examples/dual-stack.yaml
out=build/demo

show() {
	printf '\n$ %s\n' "$*"
	"$@"
}

mkdir -p "$out"
show $dualstrap check config -f $manifests
show $dualstrap plan -f $manifests
show $dualstrap render -f $manifests --output-dir $out/rendered
$dualstrap plan -f $manifests -o svg >$out/plan.svg

cat <<EOF

The address plan as a picture:   $out/plan.svg
Every file that creating it would write, by host: $out/rendered
Look at one:  cat $out/rendered/10.2.0.4/etc/dualstrap/kubeadm/config.yaml
EOF
