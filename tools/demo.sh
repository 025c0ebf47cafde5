#!/usr/bin/env bash
# Demonstrates dualstrap: creates hosts like bare metal, checks them, and creates a cluster of them.
set -euo pipefail
cd "$(dirname "$0")/.."

dualstrap=build/dualstrap
manifests='dualstrap-workspace/lab/cluster.yaml'
out=build/demo

# show COMMAND...: prints a command after a prompt, and runs it.
show() {
	printf '\n$ %s\n' "$*"
	"$@"
}

mkdir -p "$out"
show $dualstrap lab up
show $dualstrap lab status
show $dualstrap check config -f $manifests
show $dualstrap plan -f $manifests
show $dualstrap render -f $manifests --output-dir $out/rendered
$dualstrap plan -f $manifests -o svg >$out/plan.svg
show $dualstrap check preflight -f $manifests --bundle build/bundle
show $dualstrap create cluster -f $manifests --bundle build/bundle
$dualstrap bundle extract build/bundle kubectl --output-dir build/tools
kubectl=(build/tools/kubectl --kubeconfig dualstrap-workspace/lab/lab-kubeconfig)
show "${kubectl[@]}" get nodes
show "${kubectl[@]}" get nodes -o 'custom-columns=NAME:.metadata.name,ADDRESSES:.status.addresses[*].address'
show "${kubectl[@]}" get nodes -o custom-columns=NAME:.metadata.name,PODCIDRS:.spec.podCIDRs,PROVIDERID:.spec.providerID
show "${kubectl[@]}" get clustercidrconfigs -A

cat <<EOF

The address plan as a picture:   $out/plan.svg
All files that create writes, by host: $out/rendered
Look at one:  cat $out/rendered/10.2.0.4/etc/dualstrap/kubeadm/config.yaml
Look at a host:  $dualstrap lab exec lab-cp-1
Look at the cluster:  ${kubectl[*]} get pods -A -o wide
Run it again, and it changes nothing:  $dualstrap create cluster -f $manifests --bundle build/bundle
Remove the hosts again:  make demo-down
EOF
