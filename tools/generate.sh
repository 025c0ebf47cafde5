#!/usr/bin/env bash
# Regenerates what is derived from Go types: deep copies, CRDs, and the schemas of manifests that are not CRDs. With
# --check it changes nothing, and fails if a generated file is not up to date.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/build/tools
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
out=$PWD
if [[ ${1:-} == --check ]]; then
    out=$scratch/out
fi

crds=templates/cluster/crds
metallb=templates/cluster/metallb-crds
schemas=render/schema
rm -rf "${out:?}/$crds" "${out:?}/$metallb"
mkdir -p "$out/$crds" "$out/$metallb" "$out/$schemas"

for package in api/v1 api/v1alpha1; do
    "$bin/controller-gen" object paths="./$package" output:object:dir="$out/$package"
done
"$bin/controller-gen" crd paths='./api/v1;./api/v1alpha1' output:crd:dir="$out/$crds"

# MetalLB's CRDs are generated from the types of the version that bundles are built from. Descriptions are omitted: they
# are half of the bytes, and MetalLB documents its fields itself.
mkdir "$scratch/metallb"
cp bundle/build/pins/metallb-*/mod "$scratch/metallb/go.mod"
cp bundle/build/pins/metallb-*/sum "$scratch/metallb/go.sum"
(cd "$scratch/metallb" && "$bin/controller-gen" crd:maxDescLen=0 paths='go.universe.tf/metallb/api/...' output:crd:dir="$out/$metallb")

"$bin/openapi" ./api Header Namespace ProvisionOptions >"$out/$schemas/openapi.json"

if [[ $out != "$PWD" ]]; then
    status=0
    for file in api/v1/zz_generated.deepcopy.go api/v1alpha1/zz_generated.deepcopy.go "$crds" "$metallb" "$schemas/openapi.json"; do
        diff -ru "$file" "$out/$file" || status=1
    done
    if ((status)); then
        echo 'generated files are not up to date: run make generate' >&2
    fi
    exit "$status"
fi
