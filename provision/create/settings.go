package create

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/provision/refusal"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/step"
	"github.com/dualstrap/dualstrap/render"
)

// settingReasons returns a reason for each setting that differs between a running cluster and the manifests, of those that
// kubeadm writes only when the cluster is created or a node joins: create cannot change them later. The cluster's settings
// are read from the ConfigMaps that it uses, not from the manifests of earlier runs.
func settingReasons(ctx context.Context, s *session.Session, client *kube.Client, _ []kube.Node) ([]string, error) {
	var kubeadm step.ClusterConfiguration
	var proxy proxySettings
	if err := step.DecodeConfig(ctx, client, "kubeadm-config", "ClusterConfiguration", &kubeadm); err != nil {
		return nil, err
	}
	if err := step.DecodeConfig(ctx, client, "kube-proxy", "config.conf", &proxy); err != nil {
		return nil, err
	}
	kubelet, err := step.ClusterKubelet(ctx, client)
	if err != nil {
		return nil, err
	}
	return slices.Concat(
		certificateReasons(s.Config, kubeadm),
		securityReasons(s.Config.Security, kubeadm),
		proxyReasons(s.Config, proxy),
		clusterKubeletReasons(s.Config, kubelet),
		nodeKubeletReasons(s),
	), nil
}

// differsReason returns the reason for refusing a field that differs.
func differsReason(field string, is, wanted any) string {
	return fmt.Sprintf("%s is %v in the cluster and %v in the manifests, and cannot be changed yet", field, is, wanted)
}

// certificateReasons returns a reason if the manifests add names to the API servers' certificates, or no longer have DNS
// names in them. Addresses that are only in the certificates are ignored: they may belong to control plane nodes that have
// left since.
func certificateReasons(cfg *api.Config, kubeadm step.ClusterConfiguration) []string {
	names := kubeadm.APIServer.CertSANs
	if len(names) == 0 {
		return nil // unknown, for example because the cluster has no such ConfigMap
	}
	wanted := append([]string{}, cfg.APIServerCertExtraSANs...)
	missing := slices.ContainsFunc(wanted, func(name string) bool { return !slices.Contains(names, name) })
	live := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		_, err := netip.ParseAddr(name)
		return err == nil && !slices.Contains(wanted, name)
	})
	// What is live beside the wanted names can only be a DNS name.
	surplus := slices.ContainsFunc(live, func(name string) bool { return !slices.Contains(wanted, name) })
	if !missing && !surplus {
		return nil
	}
	return []string{differsReason("Cluster spec.controlPlane.apiServerCertExtraSANs", formatValue(live), formatValue(wanted))}
}

// securityReasons compares the security settings of the API servers. auditLog counts only if the manifests set it: its
// default has changed, and existing clusters may have been created before.
func securityReasons(wanted api.Security, kubeadm step.ClusterConfiguration) []string {
	is := kubeadm.Security()
	var reasons []string
	// standard is Kubernetes' default, which the reasons show for an empty value.
	for _, field := range []struct{ name, is, wanted, standard string }{
		{"auditLog", is.AuditLog, cmp.Or(wanted.AuditLog, is.AuditLog), ""},
		{"podSecurity", is.PodSecurity, wanted.PodSecurity, "privileged"},
		{"tlsMinVersion", is.TLSMinVersion, wanted.TLSMinVersion, "VersionTLS12"},
		{"encryptSecrets", strconv.FormatBool(is.EncryptSecrets), strconv.FormatBool(wanted.EncryptSecrets), ""},
	} {
		if field.is != field.wanted {
			reasons = append(reasons, differsReason("ProvisionOptions clusterSecurity."+field.name,
				cmp.Or(field.is, field.standard), cmp.Or(field.wanted, field.standard)))
		}
	}
	return reasons
}

// proxySettings holds the compared fields of kube-proxy's configuration.
type proxySettings struct {
	Mode            string `json:"mode"`
	DetectLocalMode string `json:"detectLocalMode"`
}

// proxyReasons compares the pod network for which kube-proxy is configured. A cluster without kube-proxy uses another pod
// network, and is not compared.
func proxyReasons(cfg *api.Config, proxy proxySettings) []string {
	providers := map[bool]string{true: "builtin", false: "none"}
	isBuiltin := proxy.DetectLocalMode == render.BuiltinDetectLocalMode
	if proxy == (proxySettings{}) || isBuiltin == cfg.Network.Builtin { // the zero value means that there is no kube-proxy
		return nil
	}
	return []string{differsReason("ProvisionOptions network.provider", providers[isBuiltin], providers[cfg.Network.Builtin])}
}

// clusterKubeletReasons compares the kubelet configuration of the whole cluster. It does not compare ServerTLSBootstrap:
// clusters that an older dualstrap created do not have it, and continue without.
func clusterKubeletReasons(cfg *api.Config, kubelet *facts.Kubelet) []string {
	if kubelet == nil {
		return nil
	}
	var reasons []string
	if kubelet.MaxPods != cfg.MaxPodsPerNode {
		reasons = append(reasons, differsReason("Cluster spec.nodeConfig.podDensity.maxPodsPerNode", kubelet.MaxPods, cfg.MaxPodsPerNode))
	}
	if kubelet.SeccompDefault != cfg.SeccompDefault {
		reasons = append(reasons, differsReason("Cluster spec.clusterSecurity.enableSeccomp", kubelet.SeccompDefault, cfg.SeccompDefault))
	}
	return reasons
}

// nodeKubeletReasons compares the configurations of individual kubelets, as they were probed, with those of their pools.
func nodeKubeletReasons(s *session.Session) []string {
	var found refusal.Differences
	cfg := s.Config
	for i := range cfg.Pools {
		pool := &cfg.Pools[i]
		wanted := poolKubelet(pool)
		for j := range pool.Nodes {
			node := &pool.Nodes[j]
			host := s.Host(node.Address)
			// A host that joins in this run gets the new settings. One that does not answer has failed its checks.
			if host.Err != nil || !host.Facts.Membership.Joined || host.Facts.Kubelet == nil {
				continue
			}
			for _, reason := range slices.Concat(poolReasons(pool, host.Facts.Kubelet, &wanted), addressReasons(node, host.Facts.Kubelet)) {
				found.AddAt(reason, node.Address.String())
			}
		}
	}
	return found.Reasons()
}

// poolKubelet returns the kubelet configuration that a pool asks for. Fields that the pool does not set have the kubelet's
// defaults.
func poolKubelet(pool *api.Pool) facts.Kubelet {
	wanted := facts.DefaultKubelet()
	if pool.Kubelet.RegistryPullQPS != nil {
		wanted.RegistryPullQPS = int(*pool.Kubelet.RegistryPullQPS)
	}
	if pool.Kubelet.RegistryBurst != nil {
		wanted.RegistryBurst = int(*pool.Kubelet.RegistryBurst)
	}
	if pool.Kubelet.SerializeImagePulls != nil {
		wanted.SerializeImagePulls = *pool.Kubelet.SerializeImagePulls
	}
	return wanted
}

// poolReasons compares the fields that a pool can set.
func poolReasons(pool *api.Pool, is, wanted *facts.Kubelet) []string {
	var reasons []string
	for _, field := range []struct {
		name       string
		is, wanted any
	}{
		{"registryPullQPS", is.RegistryPullQPS, wanted.RegistryPullQPS},
		{"registryBurst", is.RegistryBurst, wanted.RegistryBurst},
		{"serializeImagePulls", is.SerializeImagePulls, wanted.SerializeImagePulls},
	} {
		if field.is != field.wanted {
			reasons = append(reasons, differsReason(fmt.Sprintf("%s.kubeletConfig.%s", pool.Ref, field.name), field.is, field.wanted))
		}
	}
	return reasons
}

// addressReasons compares the --node-ip of a kubelet with the addresses in the manifests. Addresses that the manifests do
// not set are not compared.
func addressReasons(node *api.Node, kubelet *facts.Kubelet) []string {
	var reasons []string
	for _, is := range kubelet.NodeIPs {
		field, wanted := "the node's k8sIP", node.K8sIP
		if is.Is6() {
			field, wanted = "ProvisionOptions nodes[].ipv6", node.IPv6
		}
		if wanted.IsValid() && is != wanted {
			reasons = append(reasons, differsReason(field, is, wanted))
		}
	}
	return reasons
}
