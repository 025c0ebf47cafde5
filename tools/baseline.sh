#!/usr/bin/env bash
# A minimal script that makes the same cluster of a lab's hosts as create does, from the same bundle, as a person who
# knows the hosts would write it: without checks, records, or support for a second run. `make bench` compares the time
# of the two.
#
# usage: tools/baseline.sh LAB-WORKSPACE BUNDLE
set -euo pipefail
cd "$(dirname "$0")/.."
workspace=${1:?the lab\'s workspace} bundle=${2:?a bundle}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
rendered=$scratch/rendered
build/dualstrap render -f "$workspace/cluster.yaml" --output-dir "$rendered" >/dev/null

# The hosts of the lab, from the manifests: lines of ADDRESS NAME.
hosts=$(sed -n 's/^ *- address: \([0-9.]*\) # \([a-z0-9-]*\).*/\1 \2/p' "$workspace/cluster.yaml")
first=$(awk 'NR == 1 {print $1}' <<<"$hosts")

# on ADDRESS COMMAND...: runs a command on a host.
on() {
	local address=$1
	shift
	ssh -q -i "$workspace/ssh/id_ed25519" -o UserKnownHostsFile="$workspace/ssh/known_hosts" "root@$address" "$@"
}

# Fill in the facts that dualstrap finds out by probing hosts. A person knows them.
while read -r address name; do
	ipv6=fd12::2:${address##*.}
	find "$rendered/$address" -type f -exec sed -i \
		-e "s/name: \"(known after probe)\"/name: \"$name\"/" -e "s/$address,(known after probe)/$address,$ipv6/" \
		-e "s/^  - \"(known after probe)\"/  - \"$ipv6\"/" -e 's/--zone=(known after probe)/--zone=public/' \
		-e 's/(known after probe)/eth0/' -e 's/^# net/net/' -e 's/^  criSocket:.*/&\n  ignorePreflightErrors: [SystemVerification]/' \
		-e 's/^detectLocalMode:.*/&\nconntrack: {maxPerCore: 0, min: 0}/' \
		-e "s/^\[plugins.'io.containerd.cri.v1.runtime'.cni]/[plugins.'io.containerd.cri.v1.runtime']\nrestrict_oom_score_adj = true\n\n&/" {} +
	cat >>"$rendered/names.sed" <<-END
		/k8s-ip: $address\$/,/name: (known after probe)/ s/(known after probe)/$name/
	END
done <<<"$hosts"
sed -i -f "$rendered/names.sed" "$rendered/cluster/30-nodes.yaml"
sed -i "s/(known after probe)/$(awk 'NR == 1 {print $2}' <<<"$hosts")/" "$rendered/cluster/72-address-pools.yaml"

# prepare ADDRESS: copies the bundle and the rendered files to a host, and starts containerd, kubelet and firewalld.
prepare() {
	local address=$1 images=(coredns dualstrap hello kube-proxy metallb-controller pause)
	if [[ $address == "$first" ]]; then
		images+=(etcd haproxy keepalived kube-apiserver kube-controller-manager kube-scheduler metallb-speaker)
	fi
	images=("${images[@]/#/images/}")
	tar -C "$bundle" -cf - bin "${images[@]/%/.tar}" | on "$address" 'mkdir -p /root/b && tar -C /root/b -xf -'
	tar -C "$rendered/$address" -cf - etc | on "$address" 'tar -C / --no-same-owner -xf -'
	{
		echo 'set -e'
		cat <<-'END'
			cd /root/b
			mkdir -p /opt/cni/bin /etc/dualstrap/kubeadm/patches
			printf 'featureGates:\n  KubeletInUserNamespace: true\n' >'/etc/dualstrap/kubeadm/patches/kubeletconfiguration+strategic.yaml'
			sed -i '0,/^nodeRegistration:/ s,^nodeRegistration:,patches:\n  directory: /etc/dualstrap/kubeadm/patches\n&,' /etc/dualstrap/kubeadm/config.yaml
			for f in bin/*.gz; do
				name=$(basename "$f" .gz)
				case $name in
				ptp | host-local | loopback | portmap) to=/opt/cni/bin/$name ;;
				*) to=/usr/local/bin/$name ;;
				esac
				gunzip -c "$f" >"$to" && chmod 755 "$to" &
			done
			wait
			sysctl -q -p /etc/sysctl.d/10-dualstrap-limits.conf /etc/sysctl.d/90-dualstrap.conf || true
			systemctl daemon-reload
			systemctl enable -q --now containerd
			systemctl enable -q kubelet
			for f in images/*.tar; do
				ctr -n k8s.io images import "$f" >/dev/null 2>&1 &
			done
			sed -i 's/^IPv6_rpfilter=.*/IPv6_rpfilter=no/' /etc/firewalld/firewalld.conf
		END
		# shellcheck disable=SC2001
		sed -n 's/^- \["firewall-cmd", \(.*\)\]$/firewall-cmd -q \1/p' "$rendered/$address/firewalld.yaml" | sed 's/", "/" "/g'
		echo 'systemctl restart firewalld'
		echo 'wait'
	} | on "$address" bash -s
}

declare -A preparing
while read -r address _; do
	prepare "$address" &
	preparing[$address]=$!
done <<<"$hosts"

# Only the first host has to be ready for kubeadm init. The others are still being prepared meanwhile.
wait "${preparing[$first]}"
on "$first" 'kubeadm init --config /etc/dualstrap/kubeadm/config.yaml' >/dev/null
tar -C "$rendered/cluster" -cf - . | on "$first" 'mkdir -p /root/c && tar -C /root/c -xf -'
read -r token hash < <(on "$first" 'export KUBECONFIG=/etc/kubernetes/admin.conf
	for try in 1 2 3 4 5; do # the API server knows a kind only a moment after its CRD is applied
		kubectl apply --server-side --force-conflicts -f /root/c >/dev/null 2>&1 && break
		sleep 1
	done
	kubeadm token create --print-join-command 2>/dev/null' | sed -n 's/.*--token \([^ ]*\) .*hash \([^ ]*\).*/\1 \2/p')
while read -r address _; do
	[[ $address == "$first" ]] && continue
	wait "${preparing[$address]}"
	on "$address" "sed -i -e 's/token: .*/token: $token/' -e 's/- \"(known after init)\"/- $hash/' /etc/dualstrap/kubeadm/config.yaml
		kubeadm join --config /etc/dualstrap/kubeadm/config.yaml" </dev/null >/dev/null &
done <<<"$hosts"
wait
# shellcheck disable=SC2016 # the host expands it
on "$first" 'export KUBECONFIG=/etc/kubernetes/admin.conf
	kubectl wait --for=condition=Ready nodes --all --timeout=300s >/dev/null
	for w in $(kubectl get deployments,daemonsets -A --no-headers -o custom-columns=N:.metadata.namespace,K:.kind,A:.metadata.name | tr -s " " ,); do
		IFS=, read -r n k a <<<"$w"
		kubectl rollout status -n $n $k/$a --timeout=300s >/dev/null
	done'
