package api

// Release is a Kubernetes version and the versions of what runs beside it.
type Release struct {
	// Kubernetes has the form v1.36.3.
	Kubernetes string
	// Etcd and CoreDNS are image tags.
	Etcd    string
	CoreDNS string
}

// coreDNSVersion is later than the version that kubeadm of Kubernetes 1.36 names: earlier ones have published
// vulnerabilities.
const coreDNSVersion = "v1.14.6"

// Releases returns the Kubernetes releases that dualstrap builds and proves, newest last. The versions of etcd and
// CoreDNS are those of the release's kubeadm or later patches of the same minor.
func Releases() []Release {
	return []Release{
		{Kubernetes: "v1.36.3", Etcd: "v3.6.16", CoreDNS: coreDNSVersion},
		{Kubernetes: "v1.37.2", Etcd: "v3.7.3", CoreDNS: coreDNSVersion},
	}
}
