package render

// Versions of images whose release is not that of Kubernetes.
const (
	imageRepository = "dualstrap.dev"
	// pauseVersion is what kubeadm of Kubernetes 1.36 and 1.37 expects.
	pauseVersion = "3.10.2"
	// keepalivedVersion and haproxyVersion are those of Debian 12.
	keepalivedVersion = "2.2.7"
	haproxyVersion    = "2.6.12"
)
