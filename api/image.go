package api

import "strings"

// ImageRepository is where kubeadm and all manifests look for images. There is no registry behind
// the name: what the bundle has not put on a host, the host does not run.
const ImageRepository = "dualstrap.dev"

// Versions of images whose release is not that of Kubernetes.
const (
	// PauseVersion is what kubeadm of Kubernetes 1.36 and 1.37 expects.
	PauseVersion = "3.10.2"
	// HelloVersion is that of the server that answers in the proof and in examples.
	HelloVersion = "2.0.0"
	// KeepalivedVersion and HAProxyVersion are those of Debian 12.
	KeepalivedVersion = "2.2.7"
	HAProxyVersion    = "2.6.12"
	// MetalLBVersion is the release that the manifests under templates/cluster are for.
	MetalLBVersion = "v0.15.2"
)

// Image gives the reference of an image of the bundle. A tag has no plus sign, a version may.
func Image(name, version string) string {
	return ImageRepository + "/" + name + ":" + strings.ReplaceAll(version, "+", "_")
}

// FindRelease gives the known release of a Kubernetes version.
func FindRelease(kubernetes string) (Release, bool) {
	for _, release := range Releases() {
		if release.Kubernetes == kubernetes {
			return release, true
		}
	}
	return Release{}, false
}
