#!/usr/bin/env bash
# Creates or updates a pin: the go.mod and go.sum of a component that bundles are built from.
#
#   tools/pin.sh etcd-v3.6.16 go.etcd.io/etcd/server/v3@v3.6.16 go.etcd.io/etcd/server/v3
#   tools/pin.sh kubernetes-v1.36.3 k8s.io/kubernetes@v1.36.3 k8s.io/kubernetes/cmd/{kubeadm,kubectl,...}
#
# The versions of dependencies are those that the module requires. Modules that Kubernetes keeps in its own tree (staging)
# are replaced by their published releases of the same version.
set -euo pipefail
cd "$(dirname "$0")/.."

pin=bundle/build/pins/${1:?usage: tools/pin.sh NAME MODULE@VERSION PACKAGE...}
module=$2
shift 2

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export GOFLAGS='' GOWORK=off
go_line=$(sed -n 's/^const goLine = "\(.*\)"/\1/p' bundle/build/pins.go)
printf 'module pin\n\ngo %s\n' "$go_line" >"$scratch/go.mod"
(
	cd "$scratch"
	mod=$(go mod download -json "$module" | sed -n 's/.*"GoMod": "\(.*\)",/\1/p')
	version=${module##*@}
	grep -oP '\S+(?= => \./staging)' "$mod" | while read -r staged; do
		go mod edit -replace "$staged=$staged@v0.${version#v1.}"
	done
	go mod edit -require "$module"
	for package in "$@"; do
		go mod edit -tool "$package"
	done
	go mod tidy
	go mod edit -go "$go_line"
	go list -mod=readonly -deps "$@" >/dev/null
)
mkdir -p "$pin"
cp "$scratch/go.mod" "$pin/mod"
cp "$scratch/go.sum" "$pin/sum"
