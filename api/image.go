package api

import "strings"

// ImageRepository is the repository that kubeadm and all manifests name for images. No registry exists behind this
// name, so a host runs only images that came with the bundle.
const ImageRepository = "dualstrap.dev"

// Versions of images that are not released with Kubernetes.
const (
	// PauseVersion is the version that kubeadm of Kubernetes 1.36 and 1.37 expects.
	PauseVersion = "3.10.2"
	// HelloVersion is the version of the test server that the proof and the examples run.
	HelloVersion = "2.0.0"
	// KeepalivedVersion and HAProxyVersion are the versions in Debian 12.
	KeepalivedVersion = "2.2.7"
	HAProxyVersion    = "2.6.12"
	// MetalLBVersion is the release that the manifests under templates/cluster are written for.
	MetalLBVersion = "v0.15.2"
)

// Image returns the reference of an image of the bundle. It replaces + in the version by _, because a tag must not
// contain a plus sign.
func Image(name, version string) string {
	return ImageRepository + "/" + name + ":" + strings.ReplaceAll(version, "+", "_")
}

// FindRelease returns the release of a Kubernetes version such as v1.36.3, and whether dualstrap builds it.
func FindRelease(kubernetes string) (Release, bool) {
	for _, release := range Releases() {
		if release.Kubernetes == kubernetes {
			return release, true
		}
	}
	return Release{}, false
}
